// Private: The operations of an OpenAPI document: what each takes, and how it is put into a request.
#pragma once

#include <sennit/tools/openapi/document.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sennit::openapi {

inline constexpr std::size_t kMaxOperations = 5'000;   ///< of a document
inline constexpr std::size_t kMaxParameters = 100;     ///< of an operation
inline constexpr std::size_t kMaxDescription = 1'024;  ///< bytes of a tool's: providers take no more

enum class In : std::uint8_t { path, query, header, cookie };
/// https://spec.openapis.org/oas/v3.1.0#style-values
enum class Style : std::uint8_t { simple, label, matrix, form, space, pipe, deep, json };

struct Parameter {
  std::string name;      ///< in the request
  std::string argument;  ///< of the tool
  In in = In::query;
  Style style = Style::form;
  bool explode = true;
  bool required = false;
};

enum class BodyForm : std::uint8_t { none, json, form, text };

struct Operation {
  std::string id;       ///< `operationId`; may be empty
  std::string method;   ///< "GET"
  std::string path;     ///< "/pets/{petId}"
  std::string pointer;  ///< its place in the document
  std::string description;
  std::vector<Parameter> parameters;
  BodyForm body = BodyForm::none;
  std::string content_type;           ///< of the body
  json::object schema;                ///< of the tool's arguments
  std::string key_header;             ///< header for an idempotency key that it declares; empty: none
  std::vector<std::string> security;  ///< names of the schemes that may be needed
  std::string server;                 ///< of its own, or of its path; empty: the document's
};

/// One operation before it is read in whole: there are many, and few are wanted.
struct Outline {
  std::string id;
  std::string method;
  std::string path;
  Place operation;
  Place item;  ///< the path it belongs to, with parameters for all
};

/// All operations, in the document's order. Throws Error(errc::config) for paths that are none, and beyond the bound.
[[nodiscard]] std::vector<Outline> outline(const Document& document);

/// Everything about one. Throws Error(errc::config) for what is not understood: multipart bodies, bytes.
[[nodiscard]] Operation read_operation(const Document& document, const Outline& outline);

/// The document's first server with its variables filled in; empty: none is given, or it is relative.
[[nodiscard]] std::string server_of(const Document& document, const Place& owner);

}  // namespace sennit::openapi
