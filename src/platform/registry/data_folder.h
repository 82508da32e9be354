#pragma once

#include <filesystem>
#include <string>
#include <utility>

namespace ekya::registry {

/// Where what a box keeps lies, below its `server.data_dir`. Every path is made here; nothing is
/// created.
///
///   registry.db                                what happened
///   models/<stream>/<version>/                 ModelStore
///   events/<stream>.jsonl                      and <stream>~<number>.jsonl, older ones
///   streams/<stream>/exemplars/<window>...     what is replayed in training
///   streams/<stream>/trials/<window>...        models of trials and half-done retrainings
///   streams/<stream>/frames/<window>...        sampled frames and their pictures
///   streams/<stream>/samples/<window>...       labelled samples, one file or more
///   streams/<stream>/labels/<window>.jsonl     what sampled frames show
///
/// What a window owns begins with its number, and is removed by DiskBudget when it is long past.
class DataFolder {
 public:
  explicit DataFolder(std::filesystem::path root) : root_(std::move(root)) {}

  const std::filesystem::path& root() const { return root_; }
  std::filesystem::path Registry() const { return root_ / "registry.db"; }
  std::filesystem::path Models() const { return root_ / "models"; }
  std::filesystem::path Events() const { return root_ / "events"; }
  std::filesystem::path Streams() const { return root_ / "streams"; }
  std::filesystem::path Stream(const std::string& stream) const;

  std::filesystem::path Exemplars(const std::string& stream, int window) const;
  std::filesystem::path Trials(const std::string& stream, int window) const;
  std::filesystem::path Frames(const std::string& stream, int window) const;
  std::filesystem::path Samples(const std::string& stream, int window) const;
  std::filesystem::path Labels(const std::string& stream, int window) const;
  /// The folder of all windows' labels.
  std::filesystem::path Labels(const std::string& stream) const;

 private:
  std::filesystem::path root_;
};

/// `stream` as the name of a folder: other characters than letters, digits, "-" and "_" (and dots
/// inside) as %hh, so that two streams never share one and none leads elsewhere.
std::string FolderName(const std::string& stream);
/// What FolderName made the name of.
std::string StreamName(const std::string& folder);

}  // namespace ekya::registry
