#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.h"
#include "platform/registry/data_folder.h"
#include "platform/registry/model_store.h"
#include "platform/registry/registry.h"

namespace ekya::registry {

/// Bytes on disk of one kind of what a box keeps.
struct DiskUse {
  std::string kind;  ///< "frames", "models", ...; "other": what is never removed.
  std::uint64_t bytes = 0;
};

/// What DiskBudget must leave.
struct DiskKept {
  /// Of windows, the newest so many: they are being learned from. The newest is the highest number
  /// that anything in the data folder has.
  int windows = 2;
  /// Of each stream's model versions, the newest so many, beside those that an alias names or an
  /// operator pinned.
  int versions = 2;
  /// Seconds of the registry's rows, up to the newest.
  double registry_seconds = 86400;
};

/// What lies on the disk of a data folder, and what of it may go when there is too much, in this
/// order: what a kill left half-written; models of past windows' trials; exemplars that newer ones
/// stand for; pictures of past windows; their samples; old model versions; past windows' labels;
/// rows of the registry (and damaged registries that were put aside); event files that are not
/// written to any more. Of each kind the oldest windows, versions or files of all streams go first.
/// What is served and what could be served in its place stay. Whatever happens, a reader meets
/// whole things or none. Any thread; one Reap at a time.
class DiskBudget {
 public:
  /// `registry` may be null (nothing can be read from it or forgotten); not owned. `clock`: by
  /// which files that are being written grow old.
  DiskBudget(DataFolder folder, ModelStore models, Registry* registry, const DiskKept& kept = {},
             const Clock& clock = MonotonicClock());

  /// What lies there, kind by kind in the order in which it would go, then "other".
  std::vector<DiskUse> Used() const;
  /// All of it together, in one walk.
  std::uint64_t UsedBytes() const;
  /// Removes until `bytes` are free that were not, or nothing is left that may go. Returns what
  /// went; kinds of which nothing went are not in it.
  std::vector<DiskUse> Reap(std::uint64_t bytes);

  const DataFolder& folder() const { return folder_; }

 private:
  /// Half-removed folders, and files that were being written when their writer was killed.
  std::vector<std::filesystem::path> LeftOvers() const;
  std::uint64_t ReapModels(std::uint64_t bytes);
  std::uint64_t ReapRegistry(std::uint64_t bytes);

  const DataFolder folder_;
  ModelStore models_;
  Registry* const registry_;
  const DiskKept kept_;
  const Clock& clock_;
  mutable std::mutex mutex_;
  // When a file that is written aside was first seen; guarded by mutex_. The system's clock may
  // jump, and times of files with it.
  mutable std::map<std::filesystem::path, double> aside_;
};

/// The sum over all kinds.
std::uint64_t Bytes(const std::vector<DiskUse>& use);
/// "3.1 MB of frames, 120 kB of samples": for people.
std::string Describe(const std::vector<DiskUse>& use);

}  // namespace ekya::registry
