// Private: a look at what a sandbox really shows, before its program begins.
//
// bubblewrap binds by path. Who may change a folder above that path, another child for example, can put a link in its
// place after we have looked, and take it away again. So bubblewrap is made to wait when it has bound everything, what
// it has bound is compared with what was meant, and only then does it go on.
#pragma once

#include <sennit/agent/io/asio.hpp>
#include <sennit/agent/io/process_pipes.hpp>
#include <sennit/agent/io/sandbox_roots.hpp>

#include <string>
#include <vector>

namespace sennit::sandbox {

class Gate {
 public:
  /// `content`: of the file that bubblewrap makes last, at most a page. It waits for the end of it. Throws
  /// Error(errc::io).
  explicit Gate(const std::string& content);

  /// bubblewrap's ends; each may be taken once.
  [[nodiscard]] process::Descriptor take_file() { return std::move(file_.first); }
  [[nodiscard]] process::Descriptor take_report() { return std::move(report_.second); }

  /// Suspends until it waits, or has ended; looks then. Throws Error(errc::denied) if something else is shown, and
  /// Error(errc::io) if that cannot be told.
  [[nodiscard]] asio::awaitable<void> check(asio::any_io_executor executor, std::vector<Meant> meant);

  /// Lets the program begin; so does destroying it.
  void open() { file_.second = process::Descriptor(); }

 private:
  process::Pair file_;
  process::Pair report_;
};

}  // namespace sennit::sandbox
