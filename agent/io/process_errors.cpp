// From the kernel's errors when a command is started to ours.
#include <sennit/agent/io/process_errors.hpp>

#include <cerrno>
#include <cstring>

namespace sennit::process {

std::string words(int error) {
  return std::strerror(error);
}

Error scarce(const std::string& program, int error) {
  return Error(errc::io, "cannot start " + program + ": " + words(error) +
                             ": end some of what runs, or raise the limits (ulimit -n, ulimit -u)")
      .retry();
}

Error failure_to_start(const std::string& program, const std::string& directory, keeper::Step step, int error) {
  const std::string cannot = "cannot start " + program + ": ";
  switch (step) {
    case keeper::Step::fork:
      return scarce(program, error);
    case keeper::Step::group:
      return Error(errc::io, cannot + "it cannot be put into its control group: " + words(error));
    case keeper::Step::network:
      return Error(errc::io, cannot + "it cannot get a network of its own: " + words(error) +
                                 ": the kernel must permit network and user namespaces");
    case keeper::Step::limits:
      return Error(errc::io, cannot + "its limits cannot be set: " + words(error) +
                                 ": they may be above those of this program (ulimit -H -a)");
    case keeper::Step::session:
    case keeper::Step::descriptors:
      if (error == EMFILE) return scarce(program, error);
      return Error(errc::io, cannot + "its process cannot be prepared: " + words(error) +
                                 (error == ENOSYS ? " (Linux 5.11 or later is needed)" : ""));
    case keeper::Step::directory:
      if (error == ENOENT || error == ENOTDIR) {
        return Error(errc::not_found,
                     cannot + "the folder " + directory + " does not exist: make it, or choose another");
      }
      return Error(errc::io, cannot + "the folder " + directory + " cannot be entered: " + words(error));
    case keeper::Step::program:
      break;
  }
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return Error(errc::not_found, cannot +
                                        "there is no such file, or what should interpret it is missing (its first "
                                        "line, or its loader): check the path, or install it");
    case EACCES:
      return Error(errc::io, cannot +
                                 "it may not be executed: check its mode (chmod +x), that of the folders above, "
                                 "and that its file system is not mounted noexec");
    case ENOEXEC:
      return Error(errc::io, cannot + "it is neither a program for this machine nor a script that begins with #!");
    case E2BIG:
      return Error(errc::io, cannot +
                                 "its arguments and environment are too long for the system: pass them through its "
                                 "input or a file");
    case ETXTBSY:
      return Error(errc::io, cannot + "somebody is writing to it: try again later").retry();
    default:
      return Error(errc::io, cannot + words(error));
  }
}

}  // namespace sennit::process
