#include <sennit/agent/typed_tool.hpp>
#include <sennit/tools/options.hpp>
#include <sennit/tools/pdf.hpp>
#include <sennit/tools/readable.hpp>

#include <string>
#include <tuple>
#include <utility>

namespace sennit {
namespace {

constexpr std::size_t kWindow = 24U << 10U;   // bytes of text at once: fits into what a model is handed
constexpr milliseconds kTimeToReport{5'000};  // the call ends by itself and says more than the run's own limit could

struct PdfOptions {
  std::vector<std::string> roots{"."};
  bool trusted = false;
  bool confidential = true;
  json::value timeout = 45;
};
[[maybe_unused]] constexpr auto sennit_fields(const PdfOptions*) {
  return std::make_tuple(field<&PdfOptions::roots>("roots"), field<&PdfOptions::trusted>("trusted"),
                         field<&PdfOptions::confidential>("private"), field<&PdfOptions::timeout>("timeout"));
}

struct PdfArguments {
  std::string file;
  std::string pages;
  std::size_t start = 0;
};
SENNIT_DESCRIBE(PdfArguments, (file, "the PDF file", {.min_length = 1}),
                (pages, "which pages: 3, 3-7 or 3-; all if left out", {.required = false}),
                (start, "go on from this byte of the text, as an earlier answer said", {.required = false}))

struct Shared {
  files::Access access;
  pdf::Setup setup;
};

asio::awaitable<ToolOutput> read(std::shared_ptr<const Shared> shared, PdfArguments arguments,
                                 Environment& environment) {
  const pdf::Pages pages = pdf::pages_of(arguments.pages);
  Labels labels = shared->access.labels(*shared->access.roots.place(arguments.file).root);
  // The bytes are handed on, not the path: what is read is what was opened below the root.
  auto open = [shared, file = arguments.file] {
    const files::Place place = shared->access.roots.place(file);
    return files::read_whole(place.root->open_file(place.path), pdf::kMaxPdf, place.shown);
  };
  asio::awaitable<std::string> opening = environment.pool().run(std::move(open));
  std::string bytes = co_await std::move(opening);
  asio::awaitable<std::string> reading = pdf::to_text(environment, shared->setup, std::move(bytes), pages);
  const std::string text = co_await std::move(reading);
  co_return ToolOutput{readable::window(readable::without_invisible(text), arguments.start, kWindow), false,
                       std::move(labels)};
}

}  // namespace

std::vector<std::shared_ptr<Tool>> make_pdf(files::Access access, pdf::Setup setup) {
  const auto shared = std::make_shared<const Shared>(Shared{std::move(access), std::move(setup)});
  ToolTraits traits{.touches = {.read = true},
                    .repeat = Repeat::idempotent,
                    .timeout = shared->setup.timeout + kTimeToReport,
                    .concurrency = 2};
  traits.gives = shared->access.labels();  // why a file cannot be read may be told in its own words
  traits.reach = [shared](const json::object& arguments) {
    return files::path_facets(shared->access, arguments, "file");
  };
  return {make_tool(
      "pdf_text", "Gives the text of a PDF file, page by page.",
      [shared](PdfArguments arguments, ToolContext& context) {
        return read(shared, std::move(arguments), context.environment());
      },
      traits)};
}

std::vector<std::shared_ptr<Tool>> make_pdf_tools(const json::object& options, const PartContext& context) {
  const auto chosen = read_options<PdfOptions>(options, "pdf");
  files::Access access{files::Roots(files::roots_of(chosen.roots, context)),
                       {},
                       files::home_of(context),
                       chosen.trusted && context.may_trust(),
                       chosen.confidential || !context.may_publish()};
  pdf::Setup setup;
  setup.unsandboxed = context.accepts_unsandboxed();
  setup.timeout = duration_option(chosen.timeout, "pdf");
  return make_pdf(std::move(access), std::move(setup));
}

}  // namespace sennit
