#include "platform/registry/internal/database.h"

#include <sqlite3.h>

#include <cmath>
#include <limits>
#include <utility>

namespace ekya::registry::internal {
namespace {

// Another process may be reading or writing: it is waited for this long.
constexpr int kBusyMilliseconds = 5000;

}  // namespace

Statement::Statement(Database& database, std::string_view sql) : database_(database) {
  Note(sqlite3_prepare_v2(database.handle(), sql.data(), static_cast<int>(sql.size()), &statement_,
                          nullptr));
}

Statement::~Statement() { sqlite3_finalize(statement_); }

void Statement::Note(int code) {
  if (code != SQLITE_OK && status_.ok()) status_ = database_.LastError("cannot use");
}

Statement& Statement::operator<<(std::int64_t value) {
  if (status_.ok()) Note(sqlite3_bind_int64(statement_, ++bound_, value));
  return *this;
}

Statement& Statement::operator<<(double value) {
  if (!status_.ok()) return *this;
  Note(std::isnan(value) ? sqlite3_bind_null(statement_, ++bound_)
                         : sqlite3_bind_double(statement_, ++bound_, value));
  return *this;
}

Statement& Statement::operator<<(const std::string& value) {
  if (status_.ok()) {
    Note(sqlite3_bind_text64(statement_, ++bound_, value.data(), value.size(), SQLITE_TRANSIENT,
                             SQLITE_UTF8));
  }
  return *this;
}

Status Statement::Run() {
  while (true) {
    EKYA_ASSIGN(const bool row, Step());
    if (!row) break;
  }
  sqlite3_reset(statement_);
  bound_ = 0;
  return {};
}

Result<bool> Statement::Step() {
  if (!status_.ok()) return status_.error();
  read_ = 0;
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  status_ = database_.LastError("cannot read or write");
  return status_.error();
}

Statement& Statement::operator>>(std::int64_t& value) {
  value = sqlite3_column_int64(statement_, read_++);
  return *this;
}

Statement& Statement::operator>>(int& value) {
  value = sqlite3_column_int(statement_, read_++);
  return *this;
}

Statement& Statement::operator>>(bool& value) {
  value = sqlite3_column_int(statement_, read_++) != 0;
  return *this;
}

Statement& Statement::operator>>(double& value) {
  const bool null = sqlite3_column_type(statement_, read_) == SQLITE_NULL;
  value =
      null ? std::numeric_limits<double>::quiet_NaN() : sqlite3_column_double(statement_, read_);
  ++read_;
  return *this;
}

Statement& Statement::operator>>(std::string& value) {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement_, read_));
  const int size = sqlite3_column_bytes(statement_, read_++);
  value = text == nullptr ? std::string() : std::string(text, static_cast<std::size_t>(size));
  return *this;
}

Result<Database> Database::Open(const std::filesystem::path& path, Mode mode) {
  sqlite3* handle = nullptr;
  const int flags =
      mode == Mode::kRead ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  const int code = sqlite3_open_v2(path.c_str(), &handle, flags | SQLITE_OPEN_NOMUTEX, nullptr);
  Database database(path, handle);
  if (code != SQLITE_OK) return database.LastError("cannot open");
  sqlite3_busy_timeout(handle, kBusyMilliseconds);
  sqlite3_extended_result_codes(handle, 1);
  return database;
}

Database::Database(Database&& other) noexcept
    : path_(std::move(other.path_)), handle_(std::exchange(other.handle_, nullptr)) {}

Database::~Database() { sqlite3_close_v2(handle_); }

Status Database::Execute(const char* sql) {
  if (sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) {
    return LastError("cannot read or write");
  }
  return {};
}

Error Database::LastError(const std::string& doing) const {
  const int code = sqlite3_errcode(handle_) & 0xff;
  const bool passes = code == SQLITE_BUSY || code == SQLITE_LOCKED || code == SQLITE_FULL;
  return {passes ? ErrorCode::kUnavailable : ErrorCode::kFailed,
          path_.string() + ": " + doing + ": " + sqlite3_errmsg(handle_)};
}

bool Database::damaged() const {
  const int code = sqlite3_errcode(handle_) & 0xff;
  return code == SQLITE_CORRUPT || code == SQLITE_NOTADB;
}

std::int64_t Database::last_row() const { return sqlite3_last_insert_rowid(handle_); }

Transaction::~Transaction() {
  if (open_) static_cast<void>(database_.Execute("rollback"));
}

Status Transaction::Begin() {
  const Status begun = database_.Execute("begin immediate");
  open_ = begun.ok();
  return begun;
}

Status Transaction::Commit() {
  const Status committed = database_.Execute("commit");
  if (committed.ok()) open_ = false;
  return committed;
}

}  // namespace ekya::registry::internal
