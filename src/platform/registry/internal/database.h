#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace ekya::registry::internal {

/// One prepared statement. Values are bound and read in order, from the first on:
///
///   Statement insert(database, "insert into streams values (?, ?)");
///   insert << id << classes;
///   EKYA_RETURN_IF_ERROR(insert.Run());
///
/// The first thing that goes wrong is remembered and comes back from Run or Step.
class Statement {
 public:
  Statement(class Database& database, std::string_view sql);
  ~Statement();
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  Statement& operator<<(std::int64_t value);
  Statement& operator<<(int value) { return *this << static_cast<std::int64_t>(value); }
  Statement& operator<<(bool value) { return *this << static_cast<std::int64_t>(value); }
  /// Not a number: null.
  Statement& operator<<(double value);
  Statement& operator<<(const std::string& value);
  Statement& operator<<(const char* value) { return *this << std::string(value); }

  /// Carries it out; the statement may then be bound again.
  Status Run();
  /// Steps to the next row; false: there is none left.
  Result<bool> Step();

  // Columns of the row, in order.
  Statement& operator>>(std::int64_t& value);
  Statement& operator>>(int& value);
  Statement& operator>>(bool& value);
  /// Null: not a number.
  Statement& operator>>(double& value);
  Statement& operator>>(std::string& value);

 private:
  void Note(int code);

  Database& database_;
  sqlite3_stmt* statement_ = nullptr;
  int bound_ = 0;
  int read_ = 0;
  Status status_;
};

/// A connection to one SQLite file. One thread at a time.
class Database {
 public:
  enum class Mode { kRead, kWrite };
  static Result<Database> Open(const std::filesystem::path& path, Mode mode);
  ~Database();
  Database(Database&& other) noexcept;
  Database& operator=(Database&&) = delete;

  /// Several statements without values.
  Status Execute(const char* sql);
  /// The error of the last call, naming the file.
  Error LastError(const std::string& doing) const;
  /// Whether the last call found something that is no database, or a damaged one.
  bool damaged() const;
  std::int64_t last_row() const;
  sqlite3* handle() { return handle_; }

 private:
  Database(std::filesystem::path path, sqlite3* handle) : path_(std::move(path)), handle_(handle) {}

  std::filesystem::path path_;
  sqlite3* handle_;
};

/// Undoes what was written since its making unless Commit was called.
class Transaction {
 public:
  explicit Transaction(Database& database) : database_(database) {}
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  Status Begin();
  Status Commit();

 private:
  Database& database_;
  bool open_ = false;
};

}  // namespace ekya::registry::internal
