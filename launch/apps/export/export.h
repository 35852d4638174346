// zhiyin export: writes a saved model in formats that other programs read.
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
  std::string since;           // the folder of an earlier full export: write only changes; "": all
  std::function<void(const std::string&)> print;
};

/// Writes fields/NAME.npz; towers/user.npz and towers/item.npz for a model with towers; model.onnx;
/// and, last, export.json (docs/exporting.md). Throws Error when the model cannot be loaded or
/// exported, or a file cannot be written.
void RunExport(const ExportCommand& command);

}  // namespace zhiyin::launch::apps
