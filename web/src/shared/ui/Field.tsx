import type { InputHTMLAttributes } from "preact";
import { useId } from "preact/hooks";

type Kind = "text" | "email" | "password" | "search" | "date" | "datetime-local" | "number" | "url";
type Keyboard = "text" | "numeric" | "decimal" | "email" | "search";

export interface FieldProps {
  readonly label: string;
  readonly value: string;
  readonly onValue: (value: string) => void;
  readonly type?: Kind;
  readonly name?: string;
  /** What password managers and browsers fill in, such as "current-password". */
  readonly autoComplete?: string;
  readonly inputMode?: Keyboard;
  readonly required?: boolean;
  readonly placeholder?: string;
  readonly min?: string | number;
  readonly max?: string | number;
  readonly maxLength?: number;
  readonly hint?: string;
  /** What is wrong with the value. */
  readonly fault?: string | undefined;
}

/** A text field with its label, hint and fault, which screen readers hear together. */
export function Field({ label, value, onValue, hint, fault, type = "text", ...rest }: FieldProps) {
  const id = useId();
  const described = [hint && `${id}-hint`, fault && `${id}-fault`].filter(Boolean).join(" ");
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input
        // The types of inputs by kind allow no kind that is known only when it runs.
        {...({ ...rest, type } as InputHTMLAttributes<HTMLInputElement>)}
        id={id}
        value={value}
        aria-invalid={fault !== undefined}
        {...(described && { "aria-describedby": described })}
        onInput={(event) => onValue(event.currentTarget.value)}
      />
      {hint && (
        <span class="hint" id={`${id}-hint`}>
          {hint}
        </span>
      )}
      {fault && (
        <span class="fault" id={`${id}-fault`}>
          {fault}
        </span>
      )}
    </div>
  );
}

export interface SelectProps {
  readonly label: string;
  readonly value: string;
  readonly onValue: (value: string) => void;
  readonly options: readonly { readonly value: string; readonly text: string }[];
}

/** A choice among few options, with its label. */
export function Select({ label, value, onValue, options }: SelectProps) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select id={id} value={value} onChange={(event) => onValue(event.currentTarget.value)}>
        {options.map((each) => (
          <option key={each.value} value={each.value}>
            {each.text}
          </option>
        ))}
      </select>
    </div>
  );
}
