// `zhiyin export`: a saved model for other programs.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace zhiyin::launch::apps {

struct ExportCommand {
  std::string checkpoint;
  std::vector<std::string> overrides;  // of data.*
  std::string output;                  // a folder
  bool overwrite = false;
  std::string format = "npz";  // or tsv
  bool onnx = true;            // model.onnx, too
  std::string since;           // an earlier, whole export: only what changed since then; "": all
  std::function<void(const std::string&)> print;
};

/// Writes fields/NAME.npz, towers/user.npz and towers/item.npz where there are towers, model.onnx
/// and, last, export.json, as docs/exporting.md says. Throws Error.
void RunExport(const ExportCommand& command);

}  // namespace zhiyin::launch::apps
