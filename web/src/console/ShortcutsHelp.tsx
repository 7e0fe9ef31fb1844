import { user } from "../shared/api/session";
import { text } from "../shared/i18n/i18n";
import { Button } from "../shared/ui/Button";
import { Dialog } from "../shared/ui/Dialog";
import { shortcutsOf } from "./shortcuts";

/** The keys that open pages. */
export function ShortcutsHelp({ onClose }: { onClose: () => void }) {
  const seen = shortcutsOf(user.value?.role);
  return (
    <Dialog title={text("shortcuts")} onClose={onClose}>
      <table>
        <tbody>
          {seen.map(({ key, name }) => (
            <tr key={key}>
              <th scope="row">
                <kbd>{key}</kbd>
              </th>
              <td>{text(name)}</td>
            </tr>
          ))}
          <tr>
            <th scope="row">
              <kbd>?</kbd>
            </th>
            <td>{text("shortcuts")}</td>
          </tr>
        </tbody>
      </table>
      <Button onClick={onClose}>{text("close")}</Button>
    </Dialog>
  );
}
