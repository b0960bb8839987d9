#include "safety/canary.hpp"

#include <array>
#include <cctype>
#include <cstdint>
#include <random>
#include <utility>

namespace sennit::testing {
namespace {

constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::string base64(std::string_view text) {
  std::string encoded;
  std::uint32_t bits = 0;
  int count = 0;
  for (const unsigned char byte : text) {
    bits = bits << 8U | byte;
    for (count += 8; count >= 6; count -= 6) encoded += kDigits[bits >> static_cast<unsigned>(count - 6) & 63U];
  }
  if (count > 0) encoded += kDigits[bits << static_cast<unsigned>(6 - count) & 63U];
  while (encoded.size() % 4 != 0) encoded += '=';
  return encoded;
}

std::string hex(std::string_view text, std::string_view digits) {
  std::string encoded;
  for (const unsigned char byte : text) {
    encoded += digits[byte >> 4U];
    encoded += digits[byte & 15U];
  }
  return encoded;
}

std::string percent(std::string_view text) {
  std::string encoded;
  for (const char c : text) {
    encoded +=
        std::isalnum(static_cast<unsigned char>(c)) != 0 ? std::string(1, c) : "%" + hex({&c, 1}, "0123456789ABCDEF");
  }
  return encoded;
}

struct Form {
  std::string name;
  std::string text;
};

/// The core alone: what stands around it is written in many ways. Of Base64 the digits that no neighbour shares.
std::vector<Form> forms_of(const Canary& canary) {
  std::vector<Form> forms{{"text", canary.core},
                          {"hex", hex(canary.core, "0123456789abcdef")},
                          {"HEX", hex(canary.core, "0123456789ABCDEF")}};
  for (std::size_t before = 0; before < 3; ++before) {
    const std::string encoded = base64(std::string(before, '\0') + canary.core);
    const std::size_t first = before == 0 ? 0 : before + 1;
    const std::size_t last = (before + canary.core.size()) * 8 / 6;
    forms.push_back({"Base64", encoded.substr(first, last - first)});
  }
  return forms;
}

}  // namespace

std::string Canaries::plant(std::string slot) {
  static std::mt19937_64 random(std::random_device{}());
  std::string core;
  for (int i = 0; i < 18; ++i) core += kDigits[random() % 62];
  std::string value = "cnr/+\"" + core + "&=";
  all_.push_back({std::move(slot), value, std::move(core)});
  return value;
}

std::vector<std::string> Canaries::found_in(std::string_view text) const {
  std::vector<std::string> found;
  for (const Canary& canary : all_) {
    for (const Form& form : forms_of(canary)) {
      if (text.find(form.text) != std::string_view::npos) found.push_back(canary.slot + " as " + form.name);
    }
  }
  return found;
}

std::vector<std::string> Canaries::found_below(const std::filesystem::path& folder) const {
  std::vector<std::string> found;
  std::error_code absent;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder, absent)) {
    for (const std::string& name : found_in(entry.path().string()))
      found.push_back(entry.path().string() + ": " + name);
    if (!entry.is_regular_file()) continue;
    for (const std::string& name : found_in(read_file(entry.path()))) {
      found.push_back(entry.path().string() + ": " + name);
    }
  }
  return found;
}

std::string in_every_form(const std::vector<Canary>& canaries) {
  std::string text;
  for (const Canary& canary : canaries) {
    const std::string& value = canary.value;
    text += canary.slot + "=" + value + " " + percent(value) + " " + hex(value, "0123456789abcdef");
    for (std::size_t before = 0; before < 3; ++before) text += " " + base64(std::string(before, '"') + value + "\n");
    text += "\n";
  }
  return text;
}

}  // namespace sennit::testing
