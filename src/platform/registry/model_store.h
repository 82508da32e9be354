#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "platform/registry/manifest.h"

namespace ekya::registry {

/// Names that point at one of a stream's versions.
enum class Alias {
  kServing,    ///< What answers for the stream's frames.
  kPrevious,   ///< What did before it: where a roll-back leads.
  kCandidate,  ///< Trained and not judged yet.
};
/// "serving": the name of the link.
const char* Name(Alias alias);

/// A version that has been checked against its manifest.
struct StoredModel {
  Manifest manifest;
  std::filesystem::path folder;  ///< Of weights.safetensors, labels.txt and manifest.json.
};

/// The versions of all streams' models on disk, kept so that a kill at any instant leaves only
/// whole ones:
///
///   <root>/<stream>/<version>/{weights.safetensors, labels.txt, manifest.json}
///   <root>/<stream>/serving -> <version>          (also previous, candidate)
///
/// A version is written aside, flushed to disk and renamed; a link is replaced by a rename. What
/// was being written when the power failed is removed at the next Open. Versions whose bytes are
/// not those of their manifest (SHA-256) are passed over and said so. One writer at a time; readers
/// at any time, from any process. Members may be called from any thread.
class ModelStore {
 public:
  /// Makes `root` where it is missing and removes what was left half-written. kFailed where the
  /// folder cannot be written.
  static Result<ModelStore> Open(const std::filesystem::path& root);
  /// For readers: changes nothing. kNotFound where there is no such folder.
  static Result<ModelStore> OpenToRead(const std::filesystem::path& root);

  /// Writes a version: `write` puts its files (weights.safetensors, labels.txt) into the folder
  /// that it is given, flushed to disk. The number is `manifest.version`, or the next one where
  /// that is 0; the digests are made here. Returns the number. On an error nothing is left of it.
  Result<std::int64_t> Publish(Manifest manifest,
                               const std::function<Status(const std::filesystem::path&)>& write);

  /// Writes down what became of a version. kNotFound: no such version.
  Status Decide(const std::string& stream, std::int64_t version, Verdict verdict,
                const std::string& reason);

  /// Makes `alias` of `stream` point at `version`; with kServing, kPrevious becomes what was served
  /// before. kNotFound: no such version.
  Status Point(const std::string& stream, Alias alias, std::int64_t version);
  /// The version that `alias` points at; 0: none.
  std::int64_t Pointed(const std::string& stream, Alias alias) const;

  /// Streams that have versions, sorted.
  std::vector<std::string> Streams() const;
  /// Numbers of the versions of `stream` with a manifest that can be read, rising.
  std::vector<std::int64_t> Versions(const std::string& stream) const;
  /// What the manifest says; its files are not looked at.
  Result<Manifest> Describe(const std::string& stream, std::int64_t version) const;
  /// The version, every byte of which is as its manifest says. kInvalid: damaged.
  Result<StoredModel> Load(const std::string& stream, std::int64_t version) const;
  /// The model to serve after a restart: the serving version, else the previous one, else the
  /// newest promoted or first one that is whole. `passed_over` is told why damaged ones were not
  /// taken. kNotFound: none is whole.
  Result<StoredModel> LoadNewest(
      const std::string& stream,
      const std::function<void(const Error&)>& passed_over = [](const Error&) {}) const;

  /// Where a file of a version is, or would be.
  std::filesystem::path FileOf(const std::string& stream, std::int64_t version,
                               const std::string& name) const {
    return FolderOf(stream) / std::to_string(version) / name;
  }

  /// Removes versions of `stream`, the oldest first, until `enough` bytes are freed: all but those
  /// that an alias names, `kept` ones and the newest `keep`. Returns how many bytes that freed.
  std::uint64_t Reap(const std::string& stream, int keep, const std::vector<std::int64_t>& kept,
                     std::uint64_t enough = UINT64_MAX);
  /// Bytes of all versions of all streams.
  std::uint64_t Bytes() const;

  const std::filesystem::path& root() const { return root_; }

 private:
  explicit ModelStore(std::filesystem::path root) : root_(std::move(root)) {}

  std::filesystem::path FolderOf(const std::string& stream) const;

  std::filesystem::path root_;
};

}  // namespace ekya::registry
