// Compiled where oneDNN's headers are not found, in the place of onednn_engine.cc.
#include "platform/models/engine.h"

namespace ekya::models {

Result<std::unique_ptr<Engine>> OpenOneDnn(const LayerGraph& /*graph*/,
                                           const std::map<std::string, StoredTensor>& /*weights*/,
                                           int /*side*/, Precision /*precision*/) {
  return Error{ErrorCode::kUnavailable, "oneDNN: this program was built without libdnnl-dev"};
}

}  // namespace ekya::models
