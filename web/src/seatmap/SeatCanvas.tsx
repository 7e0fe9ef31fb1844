/** The drawn map: panned by dragging, zoomed by buttons, Ctrl and wheel, pinch or double tap. It means nothing by itself: the grid does. */

import { useEffect, useRef } from "preact/hooks";
import { text } from "../shared/i18n/i18n";
import { theme } from "../shared/theme";
import { Button } from "../shared/ui/Button";
import { coloursOf } from "./colours";
import { type View, wholeHall, within, zoomed } from "./geometry";
import { paint, type Scene } from "./paint";
import { Pointers } from "./pointers";

export interface SeatCanvasProps {
  readonly scene: Scene;
  readonly onSeat: (index: number) => void;
}

const STEP = 1.6;

export function SeatCanvas({ scene, onSeat }: SeatCanvasProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const now = useRef({ scene, onSeat });
  now.current = { scene, onSeat };
  const drawn = useRef<Drawn | null>(null);
  useEffect(() => {
    if (!canvas.current) return;
    const next = new Drawn(canvas.current, now);
    drawn.current = next;
    return () => next.end();
  }, [scene.hall]);
  useEffect(() => drawn.current?.redraw(), [scene, theme.value]);
  useEffect(() => drawn.current?.reveal(scene.focus), [scene.focus]);
  return (
    <div class="seat-canvas">
      <canvas ref={canvas} />
      <div class="seat-canvas-buttons">
        <Button label={text("zoom_in")} onClick={() => drawn.current?.zoom(STEP)}>
          +
        </Button>
        <Button label={text("zoom_out")} onClick={() => drawn.current?.zoom(1 / STEP)}>
          −
        </Button>
        <Button onClick={() => drawn.current?.whole()}>{text("whole_hall")}</Button>
      </div>
    </div>
  );
}

/** A canvas that is drawn once per frame, when something has changed. */
class Drawn {
  private view: View = { scale: 1, x: 0, y: 0 };
  private moved = false;
  private frame = 0;
  private readonly resizes = new ResizeObserver(() => this.resize());
  private readonly pointers: Pointers;
  private readonly dark = window.matchMedia("(prefers-color-scheme: dark)");
  private readonly redrawn = () => this.redraw();

  constructor(
    private readonly canvas: HTMLCanvasElement,
    private readonly now: { current: { scene: Scene; onSeat: (index: number) => void } },
  ) {
    this.pointers = new Pointers(canvas, {
      pan: (dx, dy) => this.pan(dx, dy),
      zoom: (factor, at) => this.zoom(factor, at),
      tap: (at) => this.tap(at),
    });
    this.resizes.observe(canvas);
    this.dark.addEventListener("change", this.redrawn);
    this.resize();
  }

  end(): void {
    cancelAnimationFrame(this.frame);
    this.resizes.disconnect();
    this.pointers.end();
    this.dark.removeEventListener("change", this.redrawn);
  }

  /** Draw in the next frame. */
  redraw(): void {
    if (this.frame) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      const context = this.canvas.getContext("2d");
      if (!context || !this.size.width) return;
      paint(
        context,
        this.now.current.scene,
        this.view,
        this.size,
        this.ratio,
        coloursOf(this.canvas.parentElement ?? document.body),
      );
    });
  }

  /** Show the whole hall. */
  whole(): void {
    this.moved = false;
    this.show(wholeHall(this.now.current.scene.hall, this.size));
  }

  /** Zoom around a point, or the middle. */
  zoom(factor: number, at = { x: this.size.width / 2, y: this.size.height / 2 }): void {
    this.moved = true;
    this.show(zoomed(this.view, factor, at, this.now.current.scene.hall, this.size));
  }

  /** Bring a seat into sight, if it is not. */
  reveal(index: number): void {
    const { hall } = this.now.current.scene;
    if (index < 0) return;
    const x = ((hall.x[index] ?? 0) - this.view.x) * this.view.scale;
    const y = ((hall.y[index] ?? 0) - this.view.y) * this.view.scale;
    const seen = x > 24 && y > 24 && x < this.size.width - 24 && y < this.size.height - 24;
    if (seen) this.redraw();
    else this.pan(this.size.width / 2 - x, this.size.height / 2 - y);
  }

  private get size() {
    return { width: this.canvas.clientWidth, height: this.canvas.clientHeight };
  }

  private get ratio(): number {
    return window.devicePixelRatio || 1;
  }

  private resize(): void {
    this.canvas.width = Math.round(this.size.width * this.ratio);
    this.canvas.height = Math.round(this.size.height * this.ratio);
    if (this.moved) this.show(this.view);
    else this.whole();
  }

  private pan(dx: number, dy: number): void {
    this.moved = true;
    this.show({ ...this.view, x: this.view.x - dx / this.view.scale, y: this.view.y - dy / this.view.scale });
  }

  private tap(at: { x: number; y: number }): void {
    const { scene, onSeat } = this.now.current;
    // Seats that are too small to hit are brought nearer instead.
    if (scene.hall.pitch * this.view.scale < 12) {
      this.zoom(2.5, at);
      return;
    }
    const index = scene.places.at(this.view.x + at.x / this.view.scale, this.view.y + at.y / this.view.scale);
    if (index >= 0) onSeat(index);
  }

  private show(view: View): void {
    this.view = within(view, this.now.current.scene.hall, this.size);
    this.redraw();
  }
}
