// What the program does so that its secrets stay in its memory, however it ends.
#pragma once

namespace sennit::app {

/// No core dump is written, and no other process of the same user may look into this one: /proc shows them neither its
/// memory nor its environment, and a debugger needs root. An exception that nobody catches is told without secrets.
/// Once, before any secret is read; children that are started are not concerned.
void keep_secrets_in();

}  // namespace sennit::app
