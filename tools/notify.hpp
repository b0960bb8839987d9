// The tool `notify`: tells the person something outside of the conversation.
//
//   tools:
//     - notify: { command: [notify-send, "{title}", "{text}"] }
//     - notify: { url: "https://ntfy.example.com/my-topic", headers: { Authorization: "Bearer ${env:NTFY_TOKEN}" } }
//     - notify: { url: "${env:SLACK_WEBHOOK}", json: text }      # {"text": …}, as Slack and Mattermost want it
//     - notify                                                    # a line in the terminal or stream of this run
//
// Whom it reaches is the agent file's choice alone; the model gives the words.
#pragma once

#include <sennit/agent/registry.hpp>

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace sennit {

struct NotifySettings {
  std::vector<std::string> command;  ///< `{text}` and `{title}` are replaced; without them the words come on its input
  std::string url;                   ///< gets a POST; may be a secret
  std::map<std::string, std::string> headers;  ///< values may refer to secrets
  std::string json;                            ///< the member that holds the words; empty: the body is the words
  std::string ca_file;
  milliseconds timeout{30'000};
};

/// Throws Error(errc::config): both a command and a URL, headers without https, a URL that is none.
[[nodiscard]] std::vector<std::shared_ptr<Tool>> make_notify(NotifySettings settings);

/// The factory. Options: command, or url with headers, json and ca_file; timeout.
[[nodiscard]] std::vector<std::shared_ptr<Tool>> make_notify_tools(const json::object& options,
                                                                   const PartContext& context);

}  // namespace sennit
