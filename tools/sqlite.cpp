#include <sennit/agent/typed_tool.hpp>
#include <sennit/tools/files_access.hpp>
#include <sennit/tools/options.hpp>
#include <sennit/tools/sqlite.hpp>
#include <sennit/tools/sqlite_connection.hpp>
#include <sennit/tools/sqlite_file.hpp>

#include <boost/describe/enum.hpp>

#include <utility>

namespace sennit {

namespace sqlite {
BOOST_DESCRIBE_ENUM(Format, table, json)
}  // namespace sqlite

namespace {

constexpr milliseconds kTimeToReport{5'000};  // the call ends by itself and says more than the run's own limit could

struct SqliteOptions {
  std::string file;
  std::string name = "sqlite";
  bool write = false;
  json::value timeout = 10;
  bool trusted = false;
  bool confidential = true;
};
SENNIT_DESCRIBE(SqliteOptions, (file), (name), (write), (timeout), (trusted), (confidential))

struct QueryArguments {
  std::string sql;
  json::value parameters;
  std::size_t limit = 100;
  sqlite::Format format = sqlite::Format::table;
};
SENNIT_DESCRIBE(QueryArguments,
                (sql, "one statement of SQLite's SQL", {.min_length = 1, .max_length = sqlite::kMaxSql}),
                (parameters, "values for its parameters: a list for ?, an object for :name", {.required = false}),
                (limit, "most rows to give", {.minimum = 1, .maximum = 1000, .required = false}),
                (format, "a table, or an object a row", {.required = false}))

struct ChangeArguments {
  std::string sql;
  json::value parameters;
};
SENNIT_DESCRIBE(ChangeArguments,
                (sql, "one statement of SQLite's SQL: INSERT, UPDATE, DELETE, CREATE TABLE …",
                 {.min_length = 1, .max_length = sqlite::kMaxSql}),
                (parameters, "values for its parameters: a list for ?, an object for :name", {.required = false}))

struct NoArguments {};
SENNIT_DESCRIBE(NoArguments)

using SettingsPointer = std::shared_ptr<const SqliteSettings>;
using May = sqlite::Connection::May;

/// The store holds the runs of all agents and their approvals.
void check_open(const SqliteSettings& settings, errc code) {
  for (const std::filesystem::path& folder : settings.closed) {
    const auto below = sqlite::fixed_path(settings.file).lexically_relative(std::filesystem::weakly_canonical(folder));
    if (!below.empty() && *below.begin() != "..") {
      throw Error(code, "sqlite: the state folder's own databases cannot be given to an agent");
    }
  }
}

/// Does `work` with a connection of its own, on the pool.
asio::awaitable<std::string> with_database(SettingsPointer settings, May may,
                                           std::function<std::string(sqlite::Connection&)> work,
                                           Environment& environment) {
  const files::Stop stop;
  auto job = [settings = std::move(settings), may, work = std::move(work), flag = stop.flag()] {
    check_open(*settings, errc::denied);  // a folder may have become another
    sqlite::Connection connection(settings->file, may, settings->timeout, flag);
    return work(connection);
  };
  asio::awaitable<std::string> pending = environment.pool().run(std::move(job));
  std::string text = co_await std::move(pending);
  co_return text;
}

ToolTraits traits_of(const SqliteSettings& settings) {
  ToolTraits traits{
      .touches = {.read = true}, .repeat = Repeat::idempotent, .timeout = settings.timeout + kTimeToReport};
  const std::string path = settings.file.lexically_normal().string();
  std::vector<Facet> reached{{"path", settings.facet.empty() ? path : settings.facet}};
  if (const std::string whole = std::filesystem::absolute(path).lexically_normal().string(); whole != reached[0].value)
    reached.push_back({"absolute", whole});
  traits.reach = [reached = std::move(reached)](const json::object&) { return reached; };
  const std::string origin = "file:" + settings.file.filename().string();
  if (!settings.trusted) traits.gives.add_untrusted(origin);
  if (settings.confidential) traits.gives.add_confidential(origin);
  return traits;
}

}  // namespace

std::vector<std::shared_ptr<Tool>> make_sqlite(SqliteSettings settings) {
  if (!settings.file.has_filename()) throw Error(errc::config, "sqlite: name the database in `file`");
  check_open(settings, errc::config);
  const ToolTraits reads = traits_of(settings);
  settings.file = sqlite::fixed_path(settings.file);
  const auto shared = std::make_shared<const SqliteSettings>(std::move(settings));
  const std::string which = " the SQLite database " + shared->file.filename().string();
  std::vector<std::shared_ptr<Tool>> tools;
  tools.push_back(make_tool(
      shared->name + "_query", "Asks" + which + " by SQL and gives the rows. Only queries (SELECT).",
      [shared](QueryArguments arguments, ToolContext& context) {
        auto work = [question = sqlite::Question{std::move(arguments.sql), std::move(arguments.parameters),
                                                 arguments.limit, arguments.format}](sqlite::Connection& connection) {
          return connection.ask(question);
        };
        return with_database(shared, May::read, std::move(work), context.environment());
      },
      reads));
  tools.push_back(make_tool(
      shared->name + "_schema", "Gives the tables of" + which + " with their columns.",
      [shared](const NoArguments& /*none*/, ToolContext& context) {
        return with_database(
            shared, May::read, [](sqlite::Connection& connection) { return connection.schema(); },
            context.environment());
      },
      reads));
  if (!shared->write) return tools;
  ToolTraits changes = reads;
  changes.touches.write = true;
  changes.repeat = Repeat::never;
  changes.concurrency = 1;
  tools.push_back(make_tool(
      shared->name + "_change", "Changes" + which + " by one statement of SQL.",
      [shared](ChangeArguments arguments, ToolContext& context) {
        auto work = [question = sqlite::Question{std::move(arguments.sql), std::move(arguments.parameters)}](
                        sqlite::Connection& connection) { return connection.ask(question); };
        return with_database(shared, May::write, std::move(work), context.environment());
      },
      changes));
  return tools;
}

std::vector<std::shared_ptr<Tool>> make_sqlite_tools(const json::object& options, const PartContext& context) {
  auto chosen = read_options<SqliteOptions>(options, "sqlite");
  if (chosen.file.empty()) throw Error(errc::config, "sqlite: name the database in `file`, relative to the agent file");
  SqliteSettings settings;
  settings.file = (context.definition.directory() / chosen.file).lexically_normal();
  settings.facet = std::filesystem::path(chosen.file).lexically_normal().string();
  settings.name = std::move(chosen.name);
  settings.write = chosen.write;
  settings.timeout = duration_option(chosen.timeout, "sqlite");
  settings.trusted = chosen.trusted && context.may_trust();
  settings.confidential = chosen.confidential || !context.may_publish();
  settings.closed = files::protected_by(context).folders;
  return make_sqlite(std::move(settings));
}

}  // namespace sennit
