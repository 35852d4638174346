// What checks of a job have in common.
#pragma once

#include <cmath>
#include <sstream>
#include <string>

#include "common/config_path.h"
#include "configs/job.pb.h"

namespace zhiyin {

/// Borrows the job and whom to blame. Every Check throws Error, by way of the blame, where it finds what it should not.
class ConfigChecker {
 public:
  ConfigChecker(const Job& job, const ConfigBlame& blame) : job_(job), blame_(blame) {}

 protected:
  template <typename... Pieces>
  static std::string Text(const Pieces&... pieces) {
    std::ostringstream out;
    (out << ... << pieces);
    return out.str();
  }

  [[noreturn]] void Fail(const ConfigPath& path, const std::string& what) const {
    blame_.Fail(job_, path, what);
  }

  template <typename T>
  void CheckRange(const ConfigPath& path, T value, T low, T high) const {
    if (!(value >= low && value <= high)) Fail(path, Text("is ", value, ", expected ", low, " to ", high));
  }
  void CheckPositive(const ConfigPath& path, double value) const {
    if (!(value > 0 && std::isfinite(value))) Fail(path, Text("is ", value, ", expected a number above 0"));
  }
  void CheckNotNegative(const ConfigPath& path, double value) const {
    if (!(value >= 0 && std::isfinite(value))) Fail(path, Text("is ", value, ", expected 0 or more"));
  }

  const Job& job_;
  const ConfigBlame& blame_;
};

/// The model of a job whose tables, fields and tasks have been checked.
void CheckModel(const Job& job, const ConfigBlame& blame);

}  // namespace zhiyin
