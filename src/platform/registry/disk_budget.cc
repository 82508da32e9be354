#include "platform/registry/disk_budget.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <functional>
#include <iterator>
#include <limits>
#include <numeric>
#include <optional>
#include <utility>

#include "base/log.h"

namespace ekya::registry {
namespace {

namespace fs = std::filesystem;

// Kinds that lie in streams/<stream>/<kind>/<window>..., in the order in which they go.
constexpr const char* kWindowKinds[] = {"trials", "exemplars", "frames", "samples", "labels"};
// In front of what is being removed.
constexpr char kReaped[] = ".reaped-";
// A file that is written aside lives for seconds; once it has been seen for so long its writer was
// killed.
constexpr double kLeftOverSeconds = 3600;

struct Item {
  fs::path path;
  double age_order = 0;  // The smallest goes first.
  std::uint64_t bytes = 0;
};

/// What `path` and all below it take on the disk, links not followed.
std::uint64_t DiskBytes(const fs::path& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) return 0;
  std::uint64_t bytes = static_cast<std::uint64_t>(status.st_blocks) * 512;
  if (!S_ISDIR(status.st_mode)) return bytes;
  std::error_code code;
  for (fs::recursive_directory_iterator entry(path, code), end; !code && entry != end;
       entry.increment(code)) {
    if (::lstat(entry->path().c_str(), &status) == 0) {
      bytes += static_cast<std::uint64_t>(status.st_blocks) * 512;
    }
  }
  return bytes;
}

double ChangedSeconds(const fs::path& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) return 0;
  return static_cast<double>(status.st_mtim.tv_sec) +
         1e-9 * static_cast<double>(status.st_mtim.tv_nsec);
}

std::vector<fs::path> EntriesOf(const fs::path& folder) {
  std::vector<fs::path> entries;
  std::error_code code;
  for (fs::directory_iterator entry(folder, code), end; !code && entry != end;
       entry.increment(code)) {
    entries.push_back(entry->path());
  }
  std::ranges::sort(entries);
  return entries;
}

/// The window that owns an entry: the number that its name begins with, up to its end, a dot or a
/// hyphen.
std::optional<int> WindowOfEntry(const fs::path& path) {
  const std::string name = path.filename().string();
  int window = 0;
  const auto [end, code] = std::from_chars(name.data(), name.data() + name.size(), window);
  if (code != std::errc() || window < 0) return std::nullopt;
  if (end != name.data() + name.size() && *end != '.' && *end != '-') return std::nullopt;
  return window;
}

/// Removes `path` so that no reader meets a part of it: a folder is renamed first, and what a kill
/// leaves of that has a name that says so.
bool Remove(const fs::path& path) {
  std::error_code code;
  fs::path gone = path;
  if (fs::is_directory(fs::symlink_status(path, code))) {
    gone = path.parent_path() / (kReaped + path.filename().string());
    fs::remove_all(gone, code);
    fs::rename(path, gone, code);
    if (code) return false;
  }
  fs::remove_all(gone, code);
  return !code;
}

std::vector<Item> ItemsOf(const std::vector<fs::path>& paths) {
  std::vector<Item> items;
  for (const fs::path& path : paths) items.push_back({path, 0, DiskBytes(path)});
  return items;
}

/// All entries of one kind with their windows.
std::vector<Item> WindowItems(const DataFolder& folder, const std::string& kind) {
  std::vector<Item> items;
  for (const fs::path& stream : EntriesOf(folder.Streams())) {
    for (const fs::path& entry : EntriesOf(stream / kind)) {
      if (const auto window = WindowOfEntry(entry)) {
        items.push_back({entry, static_cast<double>(*window), 0});
      }
    }
  }
  return items;
}

double NewestWindow(const DataFolder& folder) {
  double newest = -1;
  for (const char* kind : kWindowKinds) {
    for (const Item& item : WindowItems(folder, kind)) newest = std::max(newest, item.age_order);
  }
  return newest;
}

/// Exemplars that newer ones of the same stream stand for: each file has what all windows before it
/// left. Whatever its age, a stream's newest and the one before stay.
std::vector<Item> OldExemplars(const DataFolder& folder) {
  constexpr std::size_t kNewest = 2;
  std::vector<Item> old;
  for (const fs::path& stream : EntriesOf(folder.Streams())) {
    std::vector<Item> items;
    for (const fs::path& entry : EntriesOf(stream / "exemplars")) {
      if (const auto window = WindowOfEntry(entry)) {
        items.push_back({entry, static_cast<double>(*window), 0});
      }
    }
    std::ranges::sort(items, {}, &Item::age_order);
    items.resize(items.size() - std::min(items.size(), kNewest));
    std::ranges::move(items, std::back_inserter(old));
  }
  return old;
}

/// Event files that are not written to any more: "<stream>~<number>.jsonl".
std::vector<Item> ClosedEventFiles(const DataFolder& folder) {
  std::vector<Item> items;
  for (const fs::path& entry : EntriesOf(folder.Events())) {
    if (entry.filename().string().find('~') == std::string::npos) continue;
    items.push_back({entry, ChangedSeconds(entry), 0});
  }
  return items;
}

std::vector<fs::path> DamagedRegistries(const DataFolder& folder) {
  std::vector<fs::path> damaged;
  for (const fs::path& entry : EntriesOf(folder.root())) {
    if (entry.filename().string().starts_with("registry.db.damaged-")) damaged.push_back(entry);
  }
  return damaged;
}

std::uint64_t RegistryBytes(const DataFolder& folder) {
  std::uint64_t bytes = 0;
  for (const char* suffix : {"", "-wal", "-shm"}) {
    fs::path file = folder.Registry();
    file += suffix;
    bytes += DiskBytes(file);
  }
  return bytes;
}

/// Removes items, the oldest first, until `bytes` are freed; returns how many were.
std::uint64_t RemoveOldest(std::vector<Item> items, std::uint64_t bytes) {
  std::ranges::stable_sort(items, {}, &Item::age_order);
  std::uint64_t freed = 0;
  for (const Item& item : items) {
    if (freed >= bytes) break;
    const std::uint64_t size = item.bytes > 0 ? item.bytes : DiskBytes(item.path);
    if (Remove(item.path)) freed += size;
  }
  return freed;
}

std::uint64_t Sum(const std::vector<Item>& items) {
  std::uint64_t bytes = 0;
  for (const Item& item : items) bytes += item.bytes > 0 ? item.bytes : DiskBytes(item.path);
  return bytes;
}

}  // namespace

DiskBudget::DiskBudget(DataFolder folder, ModelStore models, Registry* registry,
                       const DiskKept& kept, const Clock& clock)
    : folder_(std::move(folder)),
      models_(std::move(models)),
      registry_(registry),
      kept_(kept),
      clock_(clock) {}

std::vector<fs::path> DiskBudget::LeftOvers() const {
  std::vector<fs::path> left;
  const double now = clock_.Now();
  std::map<fs::path, double> aside;
  const std::lock_guard lock(mutex_);
  std::error_code code;
  for (fs::recursive_directory_iterator entry(folder_.root(), code), end; !code && entry != end;
       entry.increment(code)) {
    const std::string name = entry->path().filename().string();
    if (name.starts_with('.') && name.ends_with(".tmp")) {
      const auto seen = aside_.find(entry->path());
      const double since = seen == aside_.end() ? now : seen->second;
      aside[entry->path()] = since;
      if (now - since > kLeftOverSeconds) left.push_back(entry->path());
    } else if (name.starts_with(kReaped)) {
      left.push_back(entry->path());
      if (entry->is_directory(code)) entry.disable_recursion_pending();
    }
  }
  aside_ = std::move(aside);
  return left;
}

std::vector<DiskUse> DiskBudget::Used() const {
  std::vector<DiskUse> use;
  use.push_back({"half-written files", Sum(ItemsOf(LeftOvers()))});
  for (const std::string kind : {"trials", "exemplars", "frames", "samples"}) {
    use.push_back({kind, Sum(WindowItems(folder_, kind))});
  }
  use.push_back({"models", DiskBytes(models_.root())});
  use.push_back({"labels", Sum(WindowItems(folder_, "labels"))});
  std::uint64_t registry = RegistryBytes(folder_);
  for (const fs::path& file : DamagedRegistries(folder_)) registry += DiskBytes(file);
  use.push_back({"registry", registry});
  use.push_back({"events", DiskBytes(folder_.Events())});
  const std::uint64_t all = UsedBytes();
  const std::uint64_t named = Bytes(use);
  use.push_back({"other", all > named ? all - named : 0});
  return use;
}

std::uint64_t DiskBudget::UsedBytes() const { return DiskBytes(folder_.root()); }

std::vector<DiskUse> DiskBudget::Reap(std::uint64_t bytes) {
  const double newest = NewestWindow(folder_);
  const auto past_windows = [&](const char* kind) {
    return [this, kind, newest](std::uint64_t wanted) {
      std::vector<Item> items = WindowItems(folder_, kind);
      std::erase_if(items,
                    [&](const Item& item) { return item.age_order > newest - kept_.windows; });
      return RemoveOldest(std::move(items), wanted);
    };
  };
  const std::pair<const char*, std::function<std::uint64_t(std::uint64_t)>> steps[] = {
      {"half-written files",
       [this](std::uint64_t wanted) { return RemoveOldest(ItemsOf(LeftOvers()), wanted); }},
      {"trials", past_windows("trials")},
      {"exemplars",
       [this](std::uint64_t wanted) { return RemoveOldest(OldExemplars(folder_), wanted); }},
      {"frames", past_windows("frames")},
      {"samples", past_windows("samples")},
      {"models", [this](std::uint64_t wanted) { return ReapModels(wanted); }},
      {"labels", past_windows("labels")},
      {"registry", [this](std::uint64_t wanted) { return ReapRegistry(wanted); }},
      {"events",
       [this](std::uint64_t wanted) { return RemoveOldest(ClosedEventFiles(folder_), wanted); }},
  };
  std::vector<DiskUse> gone;
  std::uint64_t freed = 0;
  for (const auto& [kind, reap] : steps) {
    if (freed >= bytes) break;
    if (const std::uint64_t more = reap(bytes - freed); more > 0) {
      gone.push_back({kind, more});
      freed += more;
    }
  }
  return gone;
}

std::uint64_t DiskBudget::ReapModels(std::uint64_t bytes) {
  // Each stream gives its part; what it cannot give is asked of the next, larger one.
  std::vector<std::pair<std::uint64_t, std::string>> streams;
  for (const std::string& stream : models_.Streams()) {
    streams.emplace_back(DiskBytes(models_.root() / FolderName(stream)), stream);
  }
  std::ranges::sort(streams);
  std::uint64_t freed = 0;
  std::size_t left = streams.size();
  for (const auto& [size, stream] : streams) {
    if (freed >= bytes) break;
    std::vector<std::int64_t> pinned;
    if (registry_ != nullptr) {
      const auto pin = registry_->PinOf(stream);
      if (!pin.ok()) {
        // What is not known not to be wanted stays.
        Log(LogLevel::kWarning, stream, "its old model versions stay on the disk: {}",
            pin.error().message);
        --left;
        continue;
      }
      if (pin->has_value()) pinned.push_back((*pin)->version);
    }
    const std::uint64_t part = (bytes - freed + left - 1) / left;
    freed += models_.Reap(stream, kept_.versions, pinned, part);
    --left;
  }
  return freed;
}

std::uint64_t DiskBudget::ReapRegistry(std::uint64_t bytes) {
  std::uint64_t freed = 0;
  for (const fs::path& file : DamagedRegistries(folder_)) {
    if (freed >= bytes) return freed;
    const std::uint64_t size = DiskBytes(file);
    if (Remove(file)) freed += size;
  }
  if (registry_ == nullptr || freed >= bytes) return freed;
  const auto span = registry_->Span();
  if (!span.ok()) return freed;
  const auto [oldest, newest] = *span;
  const double last = newest - kept_.registry_seconds;
  const std::uint64_t before = RegistryBytes(folder_);
  // In steps: what has to go is known by what the file has shrunk.
  constexpr int kSteps = 8;
  for (int step = 1; step <= kSteps && oldest < last; ++step) {
    const Status forgotten = registry_->Forget(oldest + (last - oldest) * step / kSteps);
    if (!forgotten.ok()) {
      Log(LogLevel::kWarning, "", "the registry's old rows stay: {}", forgotten.error().message);
      break;
    }
    const std::uint64_t now = RegistryBytes(folder_);
    if (now < before && freed + (before - now) >= bytes) break;
  }
  const std::uint64_t now = RegistryBytes(folder_);
  return freed + (now < before ? before - now : 0);
}

std::uint64_t Bytes(const std::vector<DiskUse>& use) {
  return std::accumulate(use.begin(), use.end(), std::uint64_t{0},
                         [](std::uint64_t sum, const DiskUse& one) { return sum + one.bytes; });
}

std::string Describe(const std::vector<DiskUse>& use) {
  std::string text;
  for (const DiskUse& one : use) {
    const double bytes = static_cast<double>(one.bytes);
    const std::string size = bytes >= 1e9   ? fmt::format("{:.1f} GB", bytes / 1e9)
                             : bytes >= 1e6 ? fmt::format("{:.1f} MB", bytes / 1e6)
                                            : fmt::format("{:.0f} kB", bytes / 1e3);
    text += fmt::format("{}{} of {}", text.empty() ? "" : ", ", size, one.kind);
  }
  return text.empty() ? "nothing" : text;
}

}  // namespace ekya::registry
