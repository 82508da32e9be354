#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "run/workers/stream.h"

namespace ekya::workers {

/// The run's streams by id, and their order in the site's file. Constant once the run has started.
class StreamSet {
 public:
  void Add(std::unique_ptr<Stream> stream) {
    order_.push_back(stream->id());
    by_id_[stream->id()] = std::move(stream);
  }
  const std::vector<std::string>& ids() const { return order_; }
  /// The loop only names streams that it was given: an unknown id is a bug.
  Stream& Get(const std::string& id) const {
    const auto found = by_id_.find(id);
    EKYA_CHECK(found != by_id_.end(), "unknown stream " + id);
    return *found->second;
  }

 private:
  std::vector<std::string> order_;
  std::map<std::string, std::unique_ptr<Stream>> by_id_;
};

}  // namespace ekya::workers
