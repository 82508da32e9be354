#include "platform/registry/registry.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <mutex>
#include <utility>

#include "base/log.h"
#include "core/document.h"
#include "core/json_writer.h"
#include "platform/registry/internal/database.h"

namespace ekya::registry {
namespace {

using internal::Database;
using internal::Statement;
using internal::Transaction;

constexpr int kSchemaVersion = 3;
// What each version adds to the one before, from 1 on.
constexpr const char* kSchemas[kSchemaVersion] = {R"(
create table runs (id integer primary key, started real not null, ended real not null default 0,
  scheduler text not null, seed integer not null, window_seconds real not null);
create table streams (id text primary key, task text not null, classes text not null);
create table windows (id integer primary key, run integer not null references runs(id),
  window integer not null, start real not null, end real not null, labelling_seconds real not null,
  profiling_seconds real not null, profiling_device_seconds real not null, stopped integer not null);
create index windows_by_number on windows (window);
create table profiles (window integer not null references windows(id) on delete cascade,
  stream text not null, configuration text not null, accuracy real, device_seconds real,
  spread real);
create index profiles_by_window on profiles (window);
create table decisions (window integer not null references windows(id) on delete cascade,
  time real not null, reason text not null, situation text not null, schedule text not null);
create index decisions_by_window on decisions (window);
create table retrainings (window integer not null references windows(id) on delete cascade,
  stream text not null, configuration text not null, start real not null, end real not null,
  predicted_accuracy real, predicted_device_seconds real, achieved_accuracy real,
  device_seconds real, outcome text not null);
create index retrainings_by_window on retrainings (window);
create table accuracies (stream text not null, version integer not null, "from" real not null,
  "to" real not null, frames integer not null, frames_skipped integer not null, accuracy real,
  low real, high real, samples integer not null, source text not null);
create unique index accuracies_by_stream on accuracies (stream, "from");
create table models (stream text not null, version integer not null, manifest text not null,
  primary key (stream, version)) without rowid;
create table events (id integer primary key, time real not null, stream text not null,
  kind text not null, detail text not null);
create table pins (stream text primary key, version integer not null, time real not null);
)",
                                                  R"(
create table corrections (window integer not null references windows(id) on delete cascade,
  time real not null, stream text not null, configuration text not null, what text not null,
  predicted real, corrected real);
create index corrections_by_window on corrections (window);
)",
                                                  R"(
alter table runs add column boot text not null default '';
alter table runs add column boot_seconds real not null default 0;
)"};

std::string ClassesText(const std::vector<std::string>& classes) {
  JsonWriter json(JsonWriter::Layout::kOneLine);
  json.BeginList();
  for (const std::string& name : classes) json.Text(name);
  json.EndList();
  return json.Take();
}

Result<std::vector<std::string>> ClassesOf(const std::string& text) {
  EKYA_ASSIGN(const Node node, ParseJson(text, "classes of a stream"));
  std::vector<std::string> classes;
  for (const Node& item : node.items) classes.push_back(item.text);
  return classes;
}

class SqliteRegistry : public Registry {
 public:
  SqliteRegistry(Database database, std::filesystem::path put_aside)
      : database_(std::move(database)), put_aside_(std::move(put_aside)) {}

  const std::filesystem::path& put_aside() const override { return put_aside_; }

  Result<std::int64_t> BeginRun(const RunEntry& run,
                                const std::vector<StreamEntry>& streams) override {
    std::lock_guard lock(mutex_);
    Transaction transaction(database_);
    EKYA_RETURN_IF_ERROR(transaction.Begin());
    Statement insert(database_,
                     "insert into runs (started, scheduler, seed, window_seconds, boot, "
                     "boot_seconds) values (?, ?, ?, ?, ?, ?)");
    insert << run.started_seconds << run.scheduler << static_cast<std::int64_t>(run.seed)
           << run.window_seconds << run.boot << run.boot_seconds;
    EKYA_RETURN_IF_ERROR(insert.Run());
    const std::int64_t id = database_.last_row();
    Statement stream(database_, "insert or replace into streams values (?, ?, ?)");
    for (const StreamEntry& entry : streams) {
      stream << entry.id << entry.task << ClassesText(entry.classes);
      EKYA_RETURN_IF_ERROR(stream.Run());
    }
    EKYA_RETURN_IF_ERROR(transaction.Commit());
    return id;
  }

  Status EndRun(std::int64_t run, double ended_seconds) override {
    std::lock_guard lock(mutex_);
    Statement update(database_, "update runs set ended = ? where id = ?");
    update << ended_seconds << run;
    return update.Run();
  }

  Status RecordWindow(const WindowEntry& window) override {
    std::lock_guard lock(mutex_);
    Transaction transaction(database_);
    EKYA_RETURN_IF_ERROR(transaction.Begin());
    Statement insert(database_,
                     "insert into windows (run, window, start, end, labelling_seconds, "
                     "profiling_seconds, profiling_device_seconds, stopped) "
                     "values (?, ?, ?, ?, ?, ?, ?, ?)");
    insert << window.run << window.window << window.start_seconds << window.end_seconds
           << window.labelling_seconds << window.profiling_seconds
           << window.profiling_device_seconds << window.stopped;
    EKYA_RETURN_IF_ERROR(insert.Run());
    const std::int64_t id = database_.last_row();
    Statement profile(database_, "insert into profiles values (?, ?, ?, ?, ?, ?)");
    for (const ProfileEntry& entry : window.profiles) {
      profile << id << entry.stream << entry.configuration << entry.accuracy << entry.device_seconds
              << entry.spread;
      EKYA_RETURN_IF_ERROR(profile.Run());
    }
    Statement decision(database_, "insert into decisions values (?, ?, ?, ?, ?)");
    for (const DecisionEntry& entry : window.decisions) {
      decision << id << entry.time_seconds << entry.reason << entry.situation << entry.schedule;
      EKYA_RETURN_IF_ERROR(decision.Run());
    }
    Statement retraining(database_,
                         "insert into retrainings values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    for (const RetrainingEntry& entry : window.retrainings) {
      retraining << id << entry.stream << entry.configuration << entry.start_seconds
                 << entry.end_seconds << entry.predicted_accuracy << entry.predicted_device_seconds
                 << entry.achieved_accuracy << entry.device_seconds << entry.outcome;
      EKYA_RETURN_IF_ERROR(retraining.Run());
    }
    Statement correction(database_, "insert into corrections values (?, ?, ?, ?, ?, ?, ?)");
    for (const CorrectionEntry& entry : window.corrections) {
      correction << id << entry.time_seconds << entry.stream << entry.configuration << entry.what
                 << entry.predicted << entry.corrected;
      EKYA_RETURN_IF_ERROR(correction.Run());
    }
    return transaction.Commit();
  }

  Status RecordAccuracies(const std::vector<AccuracyEntry>& accuracies) override {
    std::lock_guard lock(mutex_);
    Transaction transaction(database_);
    EKYA_RETURN_IF_ERROR(transaction.Begin());
    Statement insert(database_,
                     "insert or replace into accuracies values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    for (const AccuracyEntry& entry : accuracies) {
      insert << entry.stream << entry.version << entry.from_seconds << entry.to_seconds
             << entry.frames << entry.frames_skipped << entry.accuracy.accuracy
             << entry.accuracy.low << entry.accuracy.high << entry.accuracy.samples
             << entry.accuracy.source;
      EKYA_RETURN_IF_ERROR(insert.Run());
    }
    return transaction.Commit();
  }

  Status RecordModel(const Manifest& manifest) override {
    std::lock_guard lock(mutex_);
    Statement insert(database_, "insert or replace into models values (?, ?, ?)");
    insert << manifest.stream << manifest.version << WriteManifest(manifest);
    return insert.Run();
  }

  Status RecordEvent(const EventEntry& event) override {
    std::lock_guard lock(mutex_);
    Statement insert(database_,
                     "insert into events (time, stream, kind, detail) values (?, ?, ?, ?)");
    insert << event.time_seconds << event.stream << event.kind << event.detail;
    return insert.Run();
  }

  Status SetPin(const Pin& pin) override {
    std::lock_guard lock(mutex_);
    Statement insert(database_, "insert or replace into pins values (?, ?, ?)");
    insert << pin.stream << pin.version << pin.time_seconds;
    return insert.Run();
  }

  Status Unpin(const std::string& stream) override {
    std::lock_guard lock(mutex_);
    Statement remove(database_, "delete from pins where stream = ?");
    remove << stream;
    return remove.Run();
  }

  Result<std::vector<RunEntry>> Runs(int most) override {
    std::lock_guard lock(mutex_);
    // A reader does not bring an older file up to date.
    Statement column(database_, "select 1 from pragma_table_info('runs') where name = 'boot'");
    EKYA_ASSIGN(const bool known, column.Step());
    Statement select(
        database_,
        fmt::format("select id, started, ended, scheduler, seed, window_seconds, {} from "
                    "runs order by id desc limit ?",
                    known ? "boot, boot_seconds" : "'', 0")
            .c_str());
    select << most;
    std::vector<RunEntry> runs;
    return Collect(select, std::move(runs), [](Statement& row, RunEntry& run) {
      std::int64_t seed = 0;
      row >> run.id >> run.started_seconds >> run.ended_seconds >> run.scheduler >> seed >>
          run.window_seconds >> run.boot >> run.boot_seconds;
      run.seed = static_cast<std::uint64_t>(seed);
      return Status();
    });
  }

  Result<std::vector<StreamEntry>> Streams() override {
    std::lock_guard lock(mutex_);
    Statement select(database_, "select id, task, classes from streams order by id");
    std::vector<StreamEntry> streams;
    return Collect(select, std::move(streams), [](Statement& row, StreamEntry& stream) -> Status {
      std::string classes;
      row >> stream.id >> stream.task >> classes;
      EKYA_ASSIGN(stream.classes, ClassesOf(classes));
      return {};
    });
  }

  Result<std::vector<WindowEntry>> Windows(int most, std::optional<int> window) override {
    std::lock_guard lock(mutex_);
    Statement select(database_,
                     "select id, run, window, start, end, labelling_seconds, profiling_seconds, "
                     "profiling_device_seconds, stopped from windows "
                     "where ?1 < 0 or window = ?1 order by id desc limit ?2");
    select << window.value_or(-1) << most;
    std::vector<WindowEntry> windows;
    return Collect(select, std::move(windows), [this](Statement& row, WindowEntry& entry) {
      std::int64_t id = 0;
      row >> id >> entry.run >> entry.window >> entry.start_seconds >> entry.end_seconds >>
          entry.labelling_seconds >> entry.profiling_seconds >> entry.profiling_device_seconds >>
          entry.stopped;
      return ReadInner(id, entry);
    });
  }

  Result<std::vector<AccuracyEntry>> Accuracies(const std::string& stream, int most) override {
    std::lock_guard lock(mutex_);
    Statement select(database_,
                     "select stream, version, \"from\", \"to\", frames, frames_skipped, accuracy, "
                     "low, high, samples, source from accuracies where stream = ? "
                     "order by \"from\" desc limit ?");
    select << stream << most;
    std::vector<AccuracyEntry> accuracies;
    return Collect(select, std::move(accuracies), [](Statement& row, AccuracyEntry& entry) {
      row >> entry.stream >> entry.version >> entry.from_seconds >> entry.to_seconds >>
          entry.frames >> entry.frames_skipped >> entry.accuracy.accuracy >> entry.accuracy.low >>
          entry.accuracy.high >> entry.accuracy.samples >> entry.accuracy.source;
      return Status();
    });
  }

  Result<std::vector<Manifest>> Models(const std::string& stream, int most) override {
    std::lock_guard lock(mutex_);
    Statement select(database_,
                     "select manifest from models where stream = ? order by version desc limit ?");
    select << stream << most;
    std::vector<Manifest> models;
    return Collect(select, std::move(models), [](Statement& row, Manifest& manifest) -> Status {
      std::string text;
      row >> text;
      EKYA_ASSIGN(manifest, ReadManifest(text, "registry"));
      return {};
    });
  }

  Result<std::vector<EventEntry>> Events(int most) override {
    std::lock_guard lock(mutex_);
    Statement select(database_,
                     "select id, time, stream, kind, detail from events order by id desc limit ?");
    select << most;
    std::vector<EventEntry> events;
    return Collect(select, std::move(events), [](Statement& row, EventEntry& event) {
      row >> event.id >> event.time_seconds >> event.stream >> event.kind >> event.detail;
      return Status();
    });
  }

  Result<std::optional<Pin>> PinOf(const std::string& stream) override {
    std::lock_guard lock(mutex_);
    Statement select(database_, "select stream, version, time from pins where stream = ?");
    select << stream;
    EKYA_ASSIGN(const bool found, select.Step());
    if (!found) return std::optional<Pin>();
    Pin pin;
    select >> pin.stream >> pin.version >> pin.time_seconds;
    return std::optional<Pin>(std::move(pin));
  }

  Result<std::vector<Pin>> Pins() override {
    std::lock_guard lock(mutex_);
    Statement select(database_, "select stream, version, time from pins order by stream");
    return Collect(select, std::vector<Pin>(), [](Statement& row, Pin& pin) {
      row >> pin.stream >> pin.version >> pin.time_seconds;
      return Status();
    });
  }

  Result<std::int64_t> Changes() override {
    std::lock_guard lock(mutex_);
    Statement select(database_, "pragma data_version");
    std::int64_t version = 0;
    EKYA_ASSIGN(const bool row, select.Step());
    if (row) select >> version;
    return version;
  }

  Result<std::pair<double, double>> Span() override {
    std::lock_guard lock(mutex_);
    Statement select(database_,
                     "select coalesce(min(oldest), 0), coalesce(max(newest), 0) from ("
                     "select min(end) as oldest, max(end) as newest from windows union all "
                     "select min(\"to\"), max(\"to\") from accuracies union all "
                     "select min(time), max(time) from events)");
    std::pair<double, double> span;
    EKYA_ASSIGN(const bool row, select.Step());
    if (row) select >> span.first >> span.second;
    return span;
  }
  Status Forget(double seconds) override {
    std::lock_guard lock(mutex_);
    Transaction transaction(database_);
    EKYA_RETURN_IF_ERROR(transaction.Begin());
    for (const char* sql :
         {"delete from windows where end < ?", "delete from accuracies where \"to\" < ?",
          "delete from events where time < ?"}) {
      Statement remove(database_, sql);
      remove << seconds;
      EKYA_RETURN_IF_ERROR(remove.Run());
    }
    EKYA_RETURN_IF_ERROR(transaction.Commit());
    // Where a reader is in the way, the place is given back the next time.
    const Status given =
        database_.Execute("pragma incremental_vacuum; pragma wal_checkpoint(truncate);");
    if (!given.ok()) Log(LogLevel::kDebug, "", "{}", given.error().message);
    return {};
  }

 private:
  /// Every row that `select` gives, read by `read`.
  template <typename Row, typename Read>
  static Result<std::vector<Row>> Collect(Statement& select, std::vector<Row> rows, Read read) {
    while (true) {
      EKYA_ASSIGN(const bool more, select.Step());
      if (!more) return rows;
      Row row;
      EKYA_RETURN_IF_ERROR(read(select, row));
      rows.push_back(std::move(row));
    }
  }

  /// Profiles, decisions and retrainings of the window with row `id`.
  Status ReadInner(std::int64_t id, WindowEntry& window) {
    Statement profiles(database_,
                       "select stream, configuration, accuracy, device_seconds, spread "
                       "from profiles where window = ? order by rowid");
    profiles << id;
    EKYA_ASSIGN(window.profiles,
                Collect(profiles, std::vector<ProfileEntry>(), [](Statement& row, ProfileEntry& e) {
                  row >> e.stream >> e.configuration >> e.accuracy >> e.device_seconds >> e.spread;
                  return Status();
                }));
    Statement decisions(database_,
                        "select time, reason, situation, schedule from decisions "
                        "where window = ? order by rowid");
    decisions << id;
    EKYA_ASSIGN(
        window.decisions,
        Collect(decisions, std::vector<DecisionEntry>(), [](Statement& row, DecisionEntry& e) {
          row >> e.time_seconds >> e.reason >> e.situation >> e.schedule;
          return Status();
        }));
    Statement retrainings(database_,
                          "select stream, configuration, start, end, predicted_accuracy, "
                          "predicted_device_seconds, achieved_accuracy, device_seconds, outcome "
                          "from retrainings where window = ? order by rowid");
    retrainings << id;
    EKYA_ASSIGN(window.retrainings,
                Collect(retrainings, std::vector<RetrainingEntry>(),
                        [](Statement& row, RetrainingEntry& e) {
                          row >> e.stream >> e.configuration >> e.start_seconds >> e.end_seconds >>
                              e.predicted_accuracy >> e.predicted_device_seconds >>
                              e.achieved_accuracy >> e.device_seconds >> e.outcome;
                          return Status();
                        }));
    // A reader does not bring an older file up to date.
    Statement table(database_, "select 1 from sqlite_master where name = 'corrections'");
    EKYA_ASSIGN(const bool known, table.Step());
    if (!known) return {};
    Statement corrections(database_,
                          "select time, stream, configuration, what, predicted, corrected "
                          "from corrections where window = ? order by rowid");
    corrections << id;
    EKYA_ASSIGN(window.corrections, Collect(corrections, std::vector<CorrectionEntry>(),
                                            [](Statement& row, CorrectionEntry& e) {
                                              row >> e.time_seconds >> e.stream >>
                                                  e.configuration >> e.what >> e.predicted >>
                                                  e.corrected;
                                              return Status();
                                            }));
    return {};
  }

  std::mutex mutex_;
  Database database_;  // guarded by mutex_
  const std::filesystem::path put_aside_;
};

/// Settings, the schema where there is none, and a look at whether the file is whole: else
/// `damaged`.
Status Prepare(Database& database, const std::filesystem::path& path, bool* damaged) {
  // Vacuuming must be chosen before anything is written.
  EKYA_RETURN_IF_ERROR(
      database.Execute("pragma auto_vacuum = incremental; pragma journal_mode = wal; "
                       "pragma synchronous = full; pragma foreign_keys = on;"));
  std::string verdict;
  {
    Statement check(database, "pragma quick_check(1)");
    EKYA_ASSIGN(const bool row, check.Step());
    if (row) check >> verdict;
  }
  std::ranges::replace(verdict, '\n', ' ');
  *damaged = verdict != "ok";
  if (*damaged) {
    return Error{ErrorCode::kFailed, path.string() + ": damaged: " + verdict};
  }
  int version = 0;
  {
    Statement select(database, "pragma user_version");
    EKYA_ASSIGN(const bool row, select.Step());
    if (row) select >> version;
  }
  if (version > kSchemaVersion) {
    return Error{
        ErrorCode::kInvalid,
        fmt::format("{}: found schema version {}, expected at most {}: it was written by a "
                    "newer Ekya",
                    path.string(), version, kSchemaVersion)};
  }
  if (version == kSchemaVersion) return {};
  Transaction transaction(database);
  EKYA_RETURN_IF_ERROR(transaction.Begin());
  for (int next = version; next < kSchemaVersion; ++next) {
    EKYA_RETURN_IF_ERROR(database.Execute(kSchemas[next]));
  }
  EKYA_RETURN_IF_ERROR(
      database.Execute(fmt::format("pragma user_version = {}", kSchemaVersion).c_str()));
  return transaction.Commit();
}

/// Moves the file and what SQLite keeps beside it out of the way; its new name.
Result<std::filesystem::path> PutAside(const std::filesystem::path& path) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
  std::filesystem::path aside = path;
  aside += fmt::format(".damaged-{}", milliseconds);
  std::error_code code;
  std::filesystem::rename(path, aside, code);
  if (code) {
    return Error{ErrorCode::kFailed,
                 path.string() + ": damaged, and cannot be put aside: " + code.message()};
  }
  for (const char* suffix : {"-wal", "-shm"}) {
    std::filesystem::path from = path;
    std::filesystem::path to = aside;
    from += suffix;
    to += suffix;
    std::filesystem::rename(from, to, code);  // Either may be missing.
  }
  return aside;
}

}  // namespace

Result<std::unique_ptr<Registry>> Registry::Open(const std::filesystem::path& path) {
  std::error_code code;
  std::filesystem::create_directories(path.parent_path(), code);
  std::filesystem::path aside;
  for (int attempt = 0; attempt < 2; ++attempt) {
    EKYA_ASSIGN(Database database, Database::Open(path, Database::Mode::kWrite));
    bool damaged = false;
    const Status prepared = Prepare(database, path, &damaged);
    if (prepared.ok()) {
      return std::unique_ptr<Registry>(
          std::make_unique<SqliteRegistry>(std::move(database), std::move(aside)));
    }
    if (!(damaged || database.damaged()) || attempt > 0) return prepared.error();
    EKYA_ASSIGN(aside, PutAside(path));
    Log(LogLevel::kError, "", "{}: put aside as {}; a new registry begins",
        prepared.error().message, aside.string());
  }
  return Error{ErrorCode::kFailed, path.string() + ": cannot open"};
}

Result<std::unique_ptr<Registry>> Registry::OpenToRead(const std::filesystem::path& path) {
  std::error_code code;
  if (!std::filesystem::is_regular_file(path, code)) {
    return Error{ErrorCode::kNotFound, path.string() + ": found no registry: nothing ran here yet"};
  }
  EKYA_ASSIGN(Database database, Database::Open(path, Database::Mode::kRead));
  {
    Statement select(database, "select count(*) from runs");
    EKYA_RETURN_IF_ERROR(select.Run());
  }
  return std::unique_ptr<Registry>(
      std::make_unique<SqliteRegistry>(std::move(database), std::filesystem::path()));
}

}  // namespace ekya::registry
