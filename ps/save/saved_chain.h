// A saved model on disk.
#pragma once

#include <string>
#include <vector>

#include "configs/manifest.pb.h"

namespace zhiyin::ps::save {

/// One save.
struct SavedFolder {
  std::string path;
  Manifest manifest;
};

/// A folder that holds all rows, then folders that hold what changed since the one before. The last
/// one describes the model.
using SavedChain = std::vector<SavedFolder>;

}  // namespace zhiyin::ps::save
