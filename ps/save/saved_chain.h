// A saved model as it lies on disk.
#pragma once

#include <string>
#include <vector>

#include "configs/manifest.pb.h"

namespace zhiyin::ps::save {

struct SavedFolder {
  std::string path;
  Manifest manifest;
};

/// A folder that holds all rows, then those that hold what changed since the one before. The last
/// one says what the model is.
using SavedChain = std::vector<SavedFolder>;

}  // namespace zhiyin::ps::save
