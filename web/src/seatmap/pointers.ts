/** Mouse, touch and wheel on the map. A drag never chooses a seat; a bare wheel scrolls the page. */

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Gestures {
  readonly pan: (dx: number, dy: number) => void;
  readonly zoom: (factor: number, at: Point) => void;
  readonly tap: (at: Point) => void;
}

/** Pixels from which a movement is a drag, and no tap. */
const DRAG_PX = 6;

export class Pointers {
  private readonly down = new Map<number, Point>();
  private travelled = 0;
  private readonly abort = new AbortController();

  constructor(
    private readonly element: HTMLElement,
    private readonly gestures: Gestures,
  ) {
    const options = { signal: this.abort.signal };
    element.addEventListener("pointerdown", (event) => this.press(event), options);
    element.addEventListener("pointermove", (event) => this.move(event), options);
    element.addEventListener("pointerup", (event) => this.release(event), options);
    element.addEventListener("pointercancel", (event) => this.down.delete(event.pointerId), options);
    element.addEventListener("wheel", (event) => this.wheel(event), { ...options, passive: false });
  }

  end(): void {
    this.abort.abort();
  }

  private press(event: PointerEvent): void {
    if (event.button !== 0) return;
    if (this.down.size === 0) this.travelled = 0;
    this.down.set(event.pointerId, this.point(event));
    this.element.setPointerCapture(event.pointerId);
  }

  private move(event: PointerEvent): void {
    const before = this.down.get(event.pointerId);
    if (!before) return;
    const now = this.point(event);
    const other = [...this.down].find(([id]) => id !== event.pointerId)?.[1];
    this.down.set(event.pointerId, now);
    this.travelled += Math.hypot(now.x - before.x, now.y - before.y);
    if (other) {
      const factor =
        Math.hypot(now.x - other.x, now.y - other.y) / Math.hypot(before.x - other.x, before.y - other.y);
      if (Number.isFinite(factor))
        this.gestures.zoom(factor, { x: (now.x + other.x) / 2, y: (now.y + other.y) / 2 });
    } else if (this.travelled > DRAG_PX) {
      this.gestures.pan(now.x - before.x, now.y - before.y);
    }
  }

  private release(event: PointerEvent): void {
    const alone = this.down.size === 1;
    if (!this.down.delete(event.pointerId)) return;
    if (alone && this.travelled <= DRAG_PX) this.gestures.tap(this.point(event));
    // After a pinch the finger that is left does not choose anything.
    this.travelled = this.down.size ? DRAG_PX + 1 : this.travelled;
  }

  private wheel(event: WheelEvent): void {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    this.gestures.zoom(Math.exp(-event.deltaY / 300), this.point(event));
  }

  private point(event: MouseEvent): Point {
    const box = this.element.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }
}
