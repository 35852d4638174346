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

/// A full save, followed by incremental saves, each of which holds the changes since the one
/// before. The manifest of the last one describes the model.
using SavedChain = std::vector<SavedFolder>;

}  // namespace zhiyin::ps::save
