import { address } from "../../shared/base";

export interface PosterProps {
  /** The path of an uploaded picture. Of any other film the title is drawn. */
  readonly poster: string | null;
  readonly title: string;
}

/** A film's poster, or its title on a colour that is always the same for this title. Decoration: the title follows. */
export function Poster({ poster, title }: PosterProps) {
  if (poster)
    return <img class="poster" src={address(poster)} alt="" loading="lazy" width="200" height="300" />;
  const hue = [...title].reduce((sum, letter) => (sum * 31 + (letter.codePointAt(0) ?? 0)) % 8, 7);
  return (
    <div class={`poster drawn hue-${hue}`} aria-hidden="true">
      <span>{title}</span>
    </div>
  );
}
