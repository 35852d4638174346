// The splits of a job's data.
#pragma once

#include <cstdint>
#include <vector>

#include "configs/job.pb.h"

namespace zhiyin::worker::data {

/// A split: the examples to train on, those that decide which model is kept, and those that give
/// the figures that are reported.
enum class SplitKind : uint8_t {
  kTrain,
  kValidation,
  kTest,
  /// All lines of the files of data.test, also those that data.behaviour leaves to other splits:
  /// what is predicted.
  kTestFiles,
};

/// The name of the split: that of its field in data, and in result files.
inline const char* SplitName(SplitKind kind) {
  switch (kind) {
    case SplitKind::kTrain:
      return "train";
    case SplitKind::kValidation:
      return "validation";
    case SplitKind::kTest:
    case SplitKind::kTestFiles:
      return "test";
  }
  return "";
}

/// The split's part of the source; an empty message where the job does not have it.
inline const Split& SplitOf(const Data& data, SplitKind kind) {
  switch (kind) {
    case SplitKind::kTrain:
      return data.train();
    case SplitKind::kValidation:
      return data.validation();
    case SplitKind::kTest:
    case SplitKind::kTestFiles:
      return data.test();
  }
  return data.train();
}

/// The splits that training evaluates, in the order of reports.
inline std::vector<SplitKind> EvaluatedSplits(const Data& data) {
  std::vector<SplitKind> kinds;
  if (data.has_validation()) kinds.push_back(SplitKind::kValidation);
  if (data.has_test()) kinds.push_back(SplitKind::kTest);
  return kinds;
}

}  // namespace zhiyin::worker::data
