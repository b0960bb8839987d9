#include <sennit/agent/io/error.hpp>
#include <sennit/agent/io/secrets.hpp>
#include <sennit/app/discretion.hpp>

#include <sys/prctl.h>
#include <unistd.h>

#include <cstdlib>
#include <exception>
#include <string>

namespace sennit::app {
namespace {

/// In the place of the C++ library's own, which prints the words of the exception as they are.
[[noreturn]] void tell_and_abort() {
  std::string words = "sennit: a bug: an error that nobody caught";
  try {
    if (std::current_exception() != nullptr) {
      try {
        throw;
      } catch (...) {
        words += ": " + secrets::redact(current_error().describe());
      }
    }
  } catch (...) {
    words = "sennit: a bug: an error that nobody caught";
  }
  words += '\n';
  (void)!::write(STDERR_FILENO, words.data(), words.size());
  std::abort();
}

}  // namespace

void keep_secrets_in() {
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  std::set_terminate(&tell_and_abort);
}

}  // namespace sennit::app
