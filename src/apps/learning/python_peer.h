#pragma once

#include <sys/types.h>

#include <cstdio>
#include <memory>
#include <string>

#include "base/result.h"
#include "core/document.h"

namespace ekya::learning {

/// The system's Python with PyTorch, which answers questions: scripts/internal/throughput_peer.py.
/// It computes with one thread, on the cores of the thread that started it, and ends with this
/// object. One thread at a time.
class PythonPeer {
 public:
  /// kUnavailable where there is no Python with PyTorch and torchvision.
  static Result<std::unique_ptr<PythonPeer>> Start();
  ~PythonPeer();
  PythonPeer(const PythonPeer&) = delete;
  PythonPeer& operator=(const PythonPeer&) = delete;

  /// The answer to `question`, a map in JSON: a map too. kFailed with what Python says of a
  /// question that it cannot answer.
  Result<Node> Ask(const std::string& question);
  /// The number `key` of the answer.
  Result<double> AskNumber(const std::string& question, const std::string& key);

 private:
  PythonPeer() = default;

  pid_t process_ = -1;
  std::FILE* questions_ = nullptr;
  std::FILE* answers_ = nullptr;
};

/// The member `key` of a map; null where there is none.
const Node* Member(const Node& map, const std::string& key);

}  // namespace ekya::learning
