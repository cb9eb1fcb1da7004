// SPDX-FileCopyrightText: 2026 The RegLoss authors
// SPDX-License-Identifier: Apache-2.0
import { useEffect, useRef, useState } from "preact/hooks";
import type { RefObject } from "preact";

/**
 * How many rows of a long list to render: one page, and one more whenever the
 * end comes into sight. 1,000 table rows at once take a tenth of a second.
 *
 * @returns the number of rows, and a ref for an element behind the last row.
 */
export function usePaged<T extends Element>(
  total: number,
  page: number,
): [number, RefObject<T | null>] {
  const [count, setCount] = useState(page);
  const end = useRef<T | null>(null);
  useEffect(() => {
    const element = end.current;
    if (element === null || count >= total) {
      return;
    }
    const observer = new IntersectionObserver(
      (entries) => {
        if (entries.some((entry) => entry.isIntersecting)) {
          setCount((shown) => shown + page);
        }
      },
      { rootMargin: "600px" },
    );
    observer.observe(element);
    return () => observer.disconnect();
  }, [count, total, page]);
  return [Math.min(count, total), end];
}
