/** What fingers and the mouse do on the map: drag, pinch, zoom, tap. A drag never taps, a bare wheel is the page's. */

import type { Renderer } from "./renderer";
import { panned, zoomed } from "./view";

/** How far a pointer may stray and still tap. */
const STRAY = 6;
const DOUBLE_MS = 320;
const DOUBLE_FACTOR = 2;

export interface Heard {
  /** A seat was tapped, or (-1) the ground. */
  readonly onTap: (seat: number, px: number, py: number, pointer: string) => void;
  /** The mouse is over a seat, or (-1) over none. */
  readonly onHover: (seat: number) => void;
}

interface Point {
  x: number;
  y: number;
}

/** Follow a canvas's pointers until the returned function is called. */
export function listen(canvas: HTMLCanvasElement, renderer: Renderer, heard: Heard): () => void {
  const abort = new AbortController();
  const gestures = new Gestures(canvas, renderer, heard);
  const on = <K extends keyof HTMLElementEventMap>(type: K, hear: (event: HTMLElementEventMap[K]) => void) =>
    canvas.addEventListener(type, hear, { signal: abort.signal, passive: false });
  on("pointerdown", (event) => gestures.down(event));
  on("pointermove", (event) => gestures.move(event));
  on("pointerup", (event) => gestures.up(event));
  on("pointercancel", (event) => gestures.cancel(event));
  on("pointerleave", () => heard.onHover(-1));
  on("wheel", (event) => gestures.wheel(event));
  return () => abort.abort();
}

class Gestures {
  private readonly pointers = new Map<number, Point>();
  /** Where the only pointer went down; null as soon as the gesture is no tap any more. */
  private tap: Point | null = null;
  private last = { at: 0, seat: -2 };

  constructor(
    private readonly canvas: HTMLCanvasElement,
    private readonly renderer: Renderer,
    private readonly heard: Heard,
  ) {}

  private point(event: MouseEvent): Point {
    const box = this.canvas.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }

  private seat({ x, y }: Point): number {
    const { view, index } = this.renderer;
    return index.hit(view.x + x / view.scale, view.y + y / view.scale);
  }

  down(event: PointerEvent): void {
    if (event.button !== 0) return;
    const point = this.point(event);
    this.pointers.set(event.pointerId, point);
    this.tap = this.pointers.size === 1 ? point : null;
  }

  move(event: PointerEvent): void {
    const point = this.point(event);
    const before = this.pointers.get(event.pointerId);
    if (!before) {
      if (event.pointerType === "mouse") this.heard.onHover(this.seat(point));
      return;
    }
    if (this.tap && Math.hypot(point.x - this.tap.x, point.y - this.tap.y) < STRAY) return;
    if (this.tap) this.canvas.setPointerCapture(event.pointerId);
    this.tap = null;
    if (this.pointers.size === 1) this.pan(point.x - before.x, point.y - before.y);
    else this.pinch(event.pointerId, before, point);
    this.pointers.set(event.pointerId, point);
  }

  private pan(dx: number, dy: number): void {
    const { renderer } = this;
    renderer.look(panned(renderer.view, dx, dy, renderer.model.places.bounds, renderer.size));
  }

  private pinch(id: number, before: Point, now: Point): void {
    const other = [...this.pointers].find(([each]) => each !== id)?.[1];
    if (!other) return;
    const factor =
      Math.hypot(now.x - other.x, now.y - other.y) /
      Math.max(1, Math.hypot(before.x - other.x, before.y - other.y));
    this.zoom(factor, (now.x + other.x) / 2, (now.y + other.y) / 2);
    this.pan((now.x - before.x) / 2, (now.y - before.y) / 2);
  }

  private zoom(factor: number, x: number, y: number): void {
    const { renderer } = this;
    renderer.look(zoomed(renderer.view, factor, x, y, renderer.model.places.bounds, renderer.size));
  }

  up(event: PointerEvent): void {
    const known = this.pointers.delete(event.pointerId);
    if (!known || !this.tap) return;
    const point = this.tap;
    this.tap = null;
    const seat = this.seat(point);
    const twice = event.timeStamp - this.last.at < DOUBLE_MS && this.last.seat === seat;
    this.last = { at: twice ? 0 : event.timeStamp, seat };
    this.heard.onTap(seat, point.x, point.y, event.pointerType);
    if (twice) this.zoom(DOUBLE_FACTOR, point.x, point.y);
  }

  cancel(event: PointerEvent): void {
    this.pointers.delete(event.pointerId);
    this.tap = null;
  }

  wheel(event: WheelEvent): void {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    const { x, y } = this.point(event);
    const pixels = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? event.deltaY * 16 : event.deltaY;
    this.zoom(Math.exp(-Math.max(-120, Math.min(120, pixels)) * 0.005), x, y);
  }
}
