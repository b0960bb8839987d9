#include <sennit/agent/run_record.hpp>

namespace sennit {

std::string_view to_string(RunPhase phase) noexcept {
  switch (phase) {
    case RunPhase::running:
      return "running";
    case RunPhase::waiting:
      return "waiting";
    case RunPhase::interrupted:
      return "interrupted";
    case RunPhase::quarantined:
      return "quarantined";
    case RunPhase::ended:
      break;
  }
  return "ended";
}

std::string_view to_string(Boundary boundary) noexcept {
  switch (boundary) {
    case Boundary::start:
      return "start";
    case Boundary::end:
      return "end";
    case Boundary::whole:
      break;
  }
  return "whole";
}

}  // namespace sennit
