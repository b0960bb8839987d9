#include <sennit/agent/io/loop_environment.hpp>
#include <sennit/app/embed.hpp>
#include <sennit/app/exit_code.hpp>
#include <sennit/app/output.hpp>
#include <sennit/app/program.hpp>
#include <sennit/backends/embeddings.hpp>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <istream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

namespace sennit::app {
namespace {

constexpr std::size_t kMaxTexts = 10'000;    ///< all their vectors are held at once
constexpr std::size_t kMaxCompared = 1'000;  ///< the matrix grows with the square
constexpr std::size_t kMaxLine = 1U << 20U;  ///< bytes of one text; no model reads more
constexpr std::size_t kMaxDimensions = 65'536;

struct Arguments {
  std::string model;
  std::string base_url;
  std::string api;
  std::string file;
  std::size_t dimensions = 0;
  bool query = false;
  bool similarity = false;
  std::vector<std::string> texts;
};

/// One text a line; empty lines are no texts.
std::vector<std::string> lines_of(const std::string& file) {
  const std::string path = file == "-" ? "/dev/stdin" : file;
  std::ifstream in(path);
  if (!in) throw Error(errc::not_found, fmt::format("{} cannot be read: {}", path, std::strerror(errno)));
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) {
    if (line.ends_with('\r')) line.pop_back();
    if (line.empty()) continue;
    if (line.size() > kMaxLine) throw Error(errc::too_large, fmt::format("a line of {} is larger than 1 MiB", path));
    if (lines.size() >= kMaxTexts) throw Error(errc::too_large, fmt::format("more than {} texts", kMaxTexts));
    lines.push_back(std::move(line));
  }
  if (in.bad()) throw Error(errc::io, fmt::format("{} cannot be read to its end", path));
  return lines;
}

std::vector<std::string> texts_of(const Arguments& arguments) {
  std::vector<std::string> texts = arguments.texts;
  if (!arguments.file.empty()) {
    std::vector<std::string> lines = lines_of(arguments.file);
    texts.insert(texts.end(), std::make_move_iterator(lines.begin()), std::make_move_iterator(lines.end()));
  }
  if (texts.empty()) throw Error(errc::invalid_argument, "give texts, or a file of them (--file)");
  if (arguments.similarity && texts.size() > kMaxCompared) {
    throw Error(errc::too_large, fmt::format("--similarity compares {} texts at most", kMaxCompared));
  }
  return texts;
}

ModelSpec spec_of(const Arguments& arguments) {
  ModelSpec spec;
  spec.name = arguments.model;
  spec.base_url = arguments.base_url;
  spec.api = arguments.api;
  if (arguments.dimensions > 0) spec.options.extra["dimensions"] = arguments.dimensions;
  return spec;
}

Embeddings embed(const Arguments& arguments) {
  const std::shared_ptr<const Embedder> embedder = make_embedder(spec_of(arguments));
  std::vector<std::string> texts = texts_of(arguments);
  asio::io_context loop(1);
  Pool pool(1);
  LoopEnvironment environment(loop.get_executor(), pool);
  return await(loop,
               embedder->embed(environment, std::move(texts), arguments.query ? EmbedFor::query : EmbedFor::document));
}

/// A float in as few digits as give it back.
std::string line_of(std::size_t index, const std::vector<float>& vector) {
  return fmt::format("{{\"index\":{},\"dimensions\":{},\"vector\":[{}]}}\n", index, vector.size(),
                     fmt::join(vector, ","));
}

std::string cosines_of(std::size_t index, const std::vector<std::vector<float>>& vectors) {
  std::vector<double> row;
  row.reserve(vectors.size());
  for (const std::vector<float>& other : vectors) row.push_back(cosine(vectors[index], other));
  return fmt::format("{{\"index\":{},\"cosine\":[{:.4f}]}}\n", index, fmt::join(row, ","));
}

int run(const Arguments& arguments) {
  const Embeddings embeddings = embed(arguments);
  for (std::size_t i = 0; i < embeddings.vectors.size(); ++i) {
    const std::string line =
        arguments.similarity ? cosines_of(i, embeddings.vectors) : line_of(i, embeddings.vectors[i]);
    if (const int printed = print(line); printed != kExitCompleted) return printed;
  }
  return kExitCompleted;
}

}  // namespace

void add_embed(CLI::App& app, int& exit_code) {
  CLI::App* command = app.add_subcommand("embed", "Turn texts into vectors, or show how near they are to one another");
  auto arguments = std::make_shared<Arguments>();
  command->add_option("-m,--model", arguments->model, "The model: openai/text-embedding-3-small, ollama/NAME, …")
      ->required()
      ->type_name("MODEL");
  command->add_option("--base-url", arguments->base_url, "Address of the server, instead of the provider's own")
      ->type_name("URL");
  command->add_option("--api", arguments->api, "The protocol, where the provider speaks several")->type_name("NAME");
  command->add_option("--dimensions", arguments->dimensions, "Shorter vectors, of models that can give them")
      ->check(CLI::Range(std::size_t{1}, kMaxDimensions))
      ->type_name("N");
  command->add_flag("--query", arguments->query, "The texts are questions, not what is searched");
  command->add_flag("--similarity", arguments->similarity, "Print the cosines between the texts, not the vectors");
  command->add_option("--file", arguments->file, "A file with one text a line; `-`: standard input")->type_name("FILE");
  command->add_option("TEXT", arguments->texts, "The texts");
  command->footer(
      "Prints one JSON object a text: {index, dimensions, vector}, or {index, cosine} with --similarity.\n"
      "Exit status: 0 where all have one, 1 where the server failed, 2 where the command was used wrongly.\n");
  command->callback([arguments, &exit_code] { exit_code = run(*arguments); });
}

}  // namespace sennit::app
