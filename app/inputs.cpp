#include <sennit/agent/registry.hpp>
#include <sennit/app/inputs.hpp>

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace sennit::app {
namespace {

/// More than any model reads; a mistaken `sennit run agent.yaml < disk.img` must not fill the memory.
constexpr std::size_t kInputBytes = 8U << 20U;

std::string read_stdin() {
  std::string text;
  std::array<char, 65536> piece{};
  while (true) {
    const ssize_t count = ::read(STDIN_FILENO, piece.data(), piece.size());
    if (count == 0) break;
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw Error(errc::io, std::string("standard input cannot be read: ") + std::strerror(errno));
    text.append(piece.data(), static_cast<std::size_t>(count));
    if (text.size() > kInputBytes) throw Error(errc::invalid_argument, "standard input is larger than 8 MiB");
  }
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  return text;
}

json::value typed(const InputSpec& spec, const std::string& text) {
  if (spec.type == "string") return json::value(text);
  const auto value = parse_json(text);
  if (value && spec.type == "number" && value->is_number()) return *value;
  if (value && spec.type == "boolean" && value->is_bool()) return *value;
  const char* example = spec.type == "number" ? "3.5" : "true";
  throw Error(errc::invalid_argument, "--input " + spec.name + "=" + text + ": a " + spec.type +
                                          " is wanted, such as " + spec.name + "=" + example);
}

}  // namespace

std::string read_input(const std::vector<std::string>& words) {
  std::string text;
  if ((words.size() == 1 && words[0] == "-") || (words.empty() && ::isatty(STDIN_FILENO) != 1)) {
    text = read_stdin();
  } else {
    for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  }
  if (text.empty()) {
    throw Error(errc::invalid_argument, "there is nothing to say to the agent: give it words, or - and standard input");
  }
  return sanitize_utf8(text);
}

std::map<std::string, json::value> read_inputs(const Definition& definition, const std::vector<std::string>& values) {
  std::map<std::string, json::value> inputs;
  for (const std::string& pair : values) {
    const std::size_t equals = pair.find('=');
    if (equals == std::string::npos || equals == 0) {
      throw Error(errc::invalid_argument, "--input wants KEY=VALUE, not '" + pair + "'");
    }
    const std::string name = pair.substr(0, equals);
    const auto spec = std::find_if(definition.inputs.begin(), definition.inputs.end(),
                                   [&](const InputSpec& known) { return known.name == name; });
    if (spec == definition.inputs.end()) {
      std::vector<std::string> names;
      for (const InputSpec& known : definition.inputs) names.push_back(known.name);
      const std::string_view near = nearest(name, names);
      throw Error(errc::invalid_argument, "the agent has no input '" + name + "'" +
                                              (near.empty() ? "" : "; did you mean '" + std::string(near) + "'?"));
    }
    inputs[name] = typed(*spec, pair.substr(equals + 1));
  }
  return inputs;
}

}  // namespace sennit::app
