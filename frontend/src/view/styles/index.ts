// SPDX-FileCopyrightText: 2026 The RegLoss authors
// SPDX-License-Identifier: Apache-2.0
/** The panel's style sheet; `widths` comes last, for it changes what stands before. */
import charts from "./charts.css?inline";
import losses from "./losses.css?inline";
import roles from "./roles.css?inline";
import sidebar from "./sidebar.css?inline";
import states from "./states.css?inline";
import theme from "./theme.css?inline";
import verdict from "./verdict.css?inline";
import widths from "./widths.css?inline";

export const styles = [theme, sidebar, charts, verdict, roles, losses, states, widths].join("\n");
