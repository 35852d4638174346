// Models that are trained and exported.
#pragma once

#include <string>

#include "tests/support/files.h"
#include "tests/support/zhiyin.h"

namespace zhiyin::testing {

/// A folder with models and their exports; removed with all it holds.
class ExportFolder {
 public:
  const TempFolder& files() const { return folder_; }

  /// Trains a job, expects success, and leaves the model in the folder `output`.
  void TrainInto(const std::string& config, const std::string& output) const;
  /// Runs `zhiyin export` of the model in a folder.
  ProcessResult Export(const std::string& model, const std::string& output,
                       Arguments more = {}) const;

 private:
  TempFolder folder_;
};

/// Whether python3 has what runs an exported graph: numpy, and onnx or onnxruntime.
bool PythonRunsGraphs();

/// Trains a model, the text of the field `model`, with tasks "stars" and "like", on ratings with
/// several values in a row, missing values and all kinds of pooling; expects that its exported
/// vectors and graph give the predictions of `zhiyin predict` in Python, also for rows with missing
/// values.
void ExpectExportPredictsInPython(const std::string& model);

}  // namespace zhiyin::testing
