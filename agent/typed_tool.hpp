// A tool as a C++ function over a described struct.
//
//   registry.add_tool("convert", "Converts a quantity",
//                     [](ConvertArgs args, ToolContext& context) -> asio::awaitable<std::string> { … });
//   registry.add_tool("add", "Adds two numbers", [](AddArgs args) { return args.x + args.y; });
//
// The schema is derived from the struct (schema.hpp). The run repairs and validates arguments before it calls any tool
// (validate.hpp), and tells the model precisely what was wrong; what is left here is to convert them.
#pragma once

#include <sennit/agent/io/pool.hpp>
#include <sennit/agent/registry.hpp>
#include <sennit/agent/schema/schema.hpp>
#include <sennit/agent/schema/typed_json.hpp>
#include <sennit/agent/tool.hpp>

#include <functional>
#include <memory>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

namespace sennit {

/// What is particular about a tool: `{.touches = {.network = true}, .repeat = Repeat::idempotent}`. See ToolSpec.
struct ToolTraits {
  Touches touches{};
  Repeat repeat = Repeat::never;
  milliseconds timeout{60'000};
  std::size_t output_limit = 32ULL << 10U;
  std::size_t concurrency = 8;
  std::map<std::string, std::string, std::less<>> facets{};
  Labels gives{};
  bool keeps_labels = false;
  /// What a call reaches, where `facets` cannot say it: see Tool::facets().
  std::function<std::vector<Facet>(const json::object& arguments)> reach{};
  /// Of a Repeat::probed tool: see Tool::probe().
  std::function<asio::awaitable<Probed>(json::object arguments, ToolContext& context)> probe{};
};

/// The facts of a tool. Throws Error(errc::config) if the name is not [A-Za-z0-9_-]{1,64}.
[[nodiscard]] ToolSpec tool_spec(std::string name, std::string description, json::object parameters,
                                 const ToolTraits& traits);

namespace detail {

template <class T>
inline constexpr bool is_awaitable = false;
template <class T>
inline constexpr bool is_awaitable<asio::awaitable<T>> = true;

template <class T>
struct Awaited {
  using type = T;
};
template <class T>
struct Awaited<asio::awaitable<T>> {
  using type = T;
};

/// Result and parameters of a function pointer or of an object with one operator().
template <class F>
struct Signature : Signature<decltype(&F::operator())> {};
template <class R, class... A>
struct Signature<R (*)(A...)> {
  using Result = R;
  using Parameters = std::tuple<A...>;
};
template <class R, class... A>
struct Signature<R (*)(A...) noexcept> : Signature<R (*)(A...)> {};
template <class R, class C, class... A>
struct Signature<R (C::*)(A...) const> : Signature<R (*)(A...)> {};
template <class R, class C, class... A>
struct Signature<R (C::*)(A...) const noexcept> : Signature<R (*)(A...)> {};
template <class R, class C, class... A>
struct Signature<R (C::*)(A...)> {
  static_assert(sizeof(C) == 0, "runs on several threads call the function at the same time: it must not be `mutable`");
};

template <class Parameters>
struct Shape {
  static_assert(sizeof(Parameters) == 0, "a tool is a function of (), (Args), (ToolContext&) or (Args, ToolContext&)");
};
struct NoArguments {};
SENNIT_DESCRIBE(NoArguments)
template <>
struct Shape<std::tuple<>> {
  using Arguments = NoArguments;
  static constexpr bool kTakesArguments = false;
  static constexpr bool kTakesContext = false;
};
template <>
struct Shape<std::tuple<ToolContext&>> : Shape<std::tuple<>> {
  static constexpr bool kTakesContext = true;
};
template <class A>
struct Shape<std::tuple<A>> {
  using Arguments = std::remove_cvref_t<A>;
  static constexpr bool kTakesArguments = true;
  static constexpr bool kTakesContext = false;
};
template <class A>
struct Shape<std::tuple<A, ToolContext&>> : Shape<std::tuple<A>> {
  static constexpr bool kTakesContext = true;
};

/// What the model reads: text as it is, everything else as JSON text.
template <class T>
[[nodiscard]] ToolOutput to_output(T&& result) {
  using Result = std::remove_cvref_t<T>;
  if constexpr (std::is_same_v<Result, ToolOutput>) {
    return std::forward<T>(result);
  } else if constexpr (std::is_convertible_v<T, std::string>) {
    return {std::forward<T>(result), false};
  } else {
    return {json_text(write_json<Result>(result)), false};
  }
}

template <class F>
class FunctionTool final : public Tool {
  using Traits = Signature<F>;
  using Result = typename Traits::Result;
  using Form = Shape<typename Traits::Parameters>;
  using Arguments = typename Form::Arguments;
  static_assert(
      is_awaitable<Result> || !Form::kTakesContext,
      "a plain function runs on the pool and may outlive the call: to use the ToolContext, make it a coroutine "
      "(return asio::awaitable)");

 public:
  FunctionTool(std::string name, std::string description, F function, ToolTraits traits)
      : spec_(tool_spec(std::move(name), std::move(description), schema_of<Arguments>(), traits)),
        probe_(std::move(traits.probe)),
        reach_(std::move(traits.reach)),
        function_(std::make_shared<const F>(std::move(function))) {}

  [[nodiscard]] const ToolSpec& spec() const override { return spec_; }

  asio::awaitable<ToolOutput> call(json::object json, ToolContext& context) override {
    Arguments arguments{};
    read_json(json::value(std::move(json)), arguments, JsonPath("arguments"));
    // The closure must outlive the coroutine it makes, even if the tool is dropped meanwhile.
    const std::shared_ptr<const F> function = function_;
    if constexpr (is_awaitable<Result>) {
      Result pending = start(*function, arguments, context);
      if constexpr (std::is_void_v<typename Awaited<Result>::type>) {
        co_await std::move(pending);
        co_return ToolOutput{"done", false};
      } else {
        auto result = co_await std::move(pending);
        co_return to_output(std::move(result));
      }
    } else {
      asio::awaitable<ToolOutput> pending = context.environment().pool().run(job(function, std::move(arguments)));
      ToolOutput output = co_await std::move(pending);
      co_return output;
    }
  }

  asio::awaitable<Probed> probe(json::object json, ToolContext& context) override {
    if (!probe_) return Tool::probe(std::move(json), context);
    return probe_(std::move(json), context);
  }

  [[nodiscard]] std::vector<Facet> facets(const json::object& arguments) const override {
    return reach_ ? reach_(arguments) : Tool::facets(arguments);
  }

 private:
  static Result start(const F& function, Arguments& arguments, ToolContext& context) {
    if constexpr (Form::kTakesArguments && Form::kTakesContext) {
      return function(pass(arguments), context);
    } else if constexpr (Form::kTakesContext) {
      return function(context);
    } else if constexpr (Form::kTakesArguments) {
      return function(pass(arguments));
    } else {
      return function();
    }
  }
  /// Owns all it needs: a cancelled call does not wait for it.
  static std::function<ToolOutput()> job(std::shared_ptr<const F> function, Arguments arguments) {
    return [function = std::move(function), arguments = std::move(arguments)]() mutable -> ToolOutput {
      if constexpr (std::is_void_v<Result>) {
        invoke_plain(*function, arguments);
        return {"done", false};
      } else {
        return to_output(invoke_plain(*function, arguments));
      }
    };
  }
  static Result invoke_plain(const F& function, Arguments& arguments) {
    if constexpr (Form::kTakesArguments) {
      return function(pass(arguments));
    } else {
      return function();
    }
  }
  /// A reference parameter refers to what invoke() keeps alive; a value parameter is moved into.
  static decltype(auto) pass(Arguments& arguments) {
    using Parameter = std::tuple_element_t<0, typename Traits::Parameters>;
    if constexpr (std::is_lvalue_reference_v<Parameter>) {
      return static_cast<Parameter>(arguments);
    } else {
      return std::move(arguments);
    }
  }

  ToolSpec spec_;
  std::function<asio::awaitable<Probed>(json::object, ToolContext&)> probe_;
  std::function<std::vector<Facet>(const json::object&)> reach_;
  std::shared_ptr<const F> function_;
};

}  // namespace detail

/// Makes a tool of a function. Forms: `R()`, `R(Args)`, `asio::awaitable<R>(Args, ToolContext&)`,
/// `asio::awaitable<R>(ToolContext&)`, `asio::awaitable<R>(Args)`; Args by value or const reference.
///
/// * A coroutine runs on the run's shard; it may be a lambda with captures, because the tool keeps the closure alive
///   until the call has ended. A plain function runs on the environment's pool and may block; if the call is cancelled
///   it runs to its end and its result is dropped.
/// * The function is called from several runs at a time: it must not be `mutable`, and what it captures by reference
///   must outlive the tool and be safe to share.
/// * R is ToolOutput, text, or what schema.hpp knows (given to the model as JSON text), or void ("done").
/// * What it throws as Error goes to the model.
/// Throws Error(errc::config) if the name is not [A-Za-z0-9_-]{1,64}.
template <class F>
[[nodiscard]] std::shared_ptr<Tool> make_tool(std::string name, std::string description, F function,
                                              ToolTraits traits = {}) {
  return std::make_shared<detail::FunctionTool<F>>(std::move(name), std::move(description), std::move(function),
                                                   std::move(traits));
}

template <class Function>
void Registry::add_tool(std::string name, std::string description, Function function) {
  add_tool(make_tool(std::move(name), std::move(description), std::move(function)));
}

template <class Function>
void Registry::add_tool(std::string name, std::string description, Function function, ToolTraits traits) {
  add_tool(make_tool(std::move(name), std::move(description), std::move(function), std::move(traits)));
}

}  // namespace sennit
