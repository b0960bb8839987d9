#include <sennit/agent/io/error.hpp>
#include <sennit/agent/memory.hpp>
#include <sennit/agent/schema/validate.hpp>
#include <sennit/app/transcript.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>
#include <variant>

namespace sennit::app {
namespace {

/// A fence that the text does not contain.
std::string fenced(const std::string& text) {
  std::string fence = "```";
  while (text.find(fence) != std::string::npos) fence += '`';
  return fence + "\n" + text + "\n" + fence + "\n";
}

void append(std::string& out, const Part& part) {
  if (const auto* text = std::get_if<Text>(&part)) out += text->text + "\n";
  if (const auto* call = std::get_if<ToolCall>(&part))
    out += "Calls `" + call->name + "`:\n\n" + fenced(call->arguments);
  if (const auto* result = std::get_if<ToolResult>(&part)) {
    out += std::string(result->is_error ? "Failure" : "Result") + " of `" + result->name + "`:\n\n" +
           fenced(result->content);
  }
  if (const auto* blob = std::get_if<Blob>(&part))
    out += "[" + blob->media_type + (blob->url.empty() ? "" : " " + blob->url) + "]\n";
}

[[noreturn]] void fail(const std::filesystem::path& file, int reason) {
  if (reason == EEXIST) {
    throw Error(errc::invalid_argument, "this file is there already; `/save! FILE` replaces it").at(file.string());
  }
  throw Error(errc::io, std::string("the file cannot be written: ") + std::strerror(reason)).at(file.string());
}

/// Writes a file that was not there. 0, or why it could not: then nothing is left of it.
int write_new(const std::filesystem::path& file, std::string_view text) {
  const int descriptor = ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (descriptor < 0) return errno;
  int reason = 0;
  while (!text.empty() && reason == 0) {
    const ssize_t written = ::write(descriptor, text.data(), text.size());
    if (written >= 0)
      text.remove_prefix(static_cast<std::size_t>(written));
    else if (errno != EINTR)
      reason = errno;
  }
  if (::close(descriptor) != 0 && reason == 0) reason = errno;
  if (reason != 0) ::unlink(file.c_str());
  return reason;
}

}  // namespace

std::string transcript_markdown(const std::vector<Message>& messages) {
  std::string out;
  for (const Message& message : messages) {
    std::string body;
    for (const Part& part : message.parts) append(body, part);
    if (body.empty()) continue;
    if (!out.empty()) out += "\n";
    // Memory speaks there, not the person.
    const bool recalled = message.role == Role::user && body.starts_with(kNotesHead);
    if (recalled) body.erase(0, kNotesHead.size() + 1);
    if (message.role != Role::tool)
      out += "## " + std::string(recalled ? "recalled notes" : to_string(message.role)) + "\n\n";
    out += body;
  }
  return out;
}

std::string transcript_json(const std::vector<Message>& messages) {
  std::string out = "[";
  for (const Message& message : messages) out += (out.size() > 1 ? ",\n " : "\n ") + json_text(to_json(message));
  return out + "\n]\n";
}

void save_transcript(const std::filesystem::path& file, const std::vector<Message>& messages, bool replace) {
  const bool for_programs = file.extension() == ".json";
  if (!for_programs && file.extension() != ".md") {
    throw Error(errc::invalid_argument, "a conversation is saved as .md (to read) or .json (for programs)")
        .at(file.string());
  }
  const std::string text = for_programs ? transcript_json(messages) : transcript_markdown(messages);
  if (!replace) {
    if (const int reason = write_new(file, text); reason != 0) fail(file, reason);
    return;
  }
  const std::filesystem::path fresh = file.string() + "." + std::to_string(::getpid());
  if (const int reason = write_new(fresh, text); reason != 0) fail(file, reason == EEXIST ? EBUSY : reason);
  if (::rename(fresh.c_str(), file.c_str()) == 0) return;
  const int reason = errno;
  ::unlink(fresh.c_str());
  fail(file, reason);
}

}  // namespace sennit::app
