// The plugin libzhiyin_arrow.so, which reads Parquet and Arrow IPC, and writes Parquet.
//
// It is loaded when the first such file is opened or written, and then stays. Jobs without such
// files need neither the plugin nor the Arrow library.
#pragma once

#include <string>
#include <vector>

#include "worker/data/format/arrow_plugin/interface.h"

namespace zhiyin::worker::data {

/// The plugin, or why there is none.
struct ArrowLibrary {
  const ZhiyinArrowPlugin* plugin = nullptr;  // lives as long as the process; null: see `trouble`
  std::string trouble;  // "needs the plugin libzhiyin_arrow.so: WHY; HOW TO MAKE IT"
  /// The paths of the plugin and of the Arrow libraries that it has loaded; empty without a plugin.
  std::vector<std::string> files = {};
};

/// Loads the plugin from the folder of this program, from lib in it, or from lib beside it. Any
/// thread.
ArrowLibrary LoadArrowLibrary();

}  // namespace zhiyin::worker::data
