// Private: what one completion showed, in the journal's form: the text once, and where its deltas were cut.
#pragma once

#include <sennit/agent/event.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace sennit {

/// [["text","Hello",[3,2]], {"event":"retried",…}, ["call",0,"{\"x\":1}",[4,3]]]
class StepTrace {
 public:
  /// Takes what is shown of a completion.
  void take(const EventData& data);
  [[nodiscard]] json::array to_json() const;
  /// The events again, each as it was. Throws Error(errc::storage) for what to_json() did not give.
  [[nodiscard]] static std::vector<EventData> events(const json::value& trace);

 private:
  struct Piece {
    char kind;  // 't'ext, 'r'easoning, re'f'usal, tool 'c'all, another 'e'vent
    std::uint32_t call = 0;
    std::string text;
    std::vector<std::uint32_t> cuts;  // the length of each delta
    json::value event;
  };
  void append(char kind, std::uint32_t call, const std::string& text);

  std::vector<Piece> pieces_;
};

}  // namespace sennit
