// Checks of configuration values, which report the first violation with its place.
#pragma once

#include <google/protobuf/message.h>

#include <cmath>
#include <set>
#include <span>
#include <sstream>
#include <string>

#include "common/config/path.h"

namespace zhiyin::config {

/// Reports violations in a message that was read from a file. Every function throws Error, with the
/// path and the line, at the first violation. Borrows the message and the blame; functions that
/// check a part of the configuration take a const Checker&.
class Checker {
 public:
  Checker(const google::protobuf::Message& root, const ConfigBlame& blame)
      : root_(root), blame_(blame) {}

  /// The path to the whole message, from which others begin: check.root()("train")("epochs").
  ConfigPath root() const { return ConfigPath(root_.GetDescriptor()); }

  /// Whether an override set what is at `path`.
  bool IsOverridden(const ConfigPath& path) const { return blame_.IsOverridden(path); }

  /// Throws Error with the text of all pieces: check.Fail(path, "is ", n, ", expected 1 or more").
  template <typename... Pieces>
  [[noreturn]] void Fail(const ConfigPath& path, const Pieces&... pieces) const {
    std::ostringstream what;
    (what << ... << pieces);
    blame_.Fail(root_, path, what.str());
  }
  /// Throws Error for an unknown name: `no field "usr"; the nearest is "user"`.
  [[noreturn]] void FailUnknown(const ConfigPath& path, const char* what, const std::string& name,
                                std::span<const std::string> known) const;

  template <typename T>
  void CheckRange(const ConfigPath& path, T value, T low, T high) const {
    if (!(value >= low && value <= high))
      Fail(path, "is ", value, ", expected ", low, " to ", high);
  }
  /// Checks that the repeated field `field` of the message at `path` has at most `most` elements.
  void CheckCount(const ConfigPath& path, const char* field, int n, int most) const {
    if (n > most) Fail(path(field, most), "is one of ", n, ", expected at most ", most);
  }
  void CheckPositive(const ConfigPath& path, double value) const {
    if (!(value > 0 && std::isfinite(value)))
      Fail(path, "is ", value, ", expected a number above 0");
  }
  void CheckNotNegative(const ConfigPath& path, double value) const {
    if (!(value >= 0 && std::isfinite(value))) Fail(path, "is ", value, ", expected 0 or more");
  }
  /// Checks a share or probability that must be below 1.
  void CheckShare(const ConfigPath& path, double value) const {
    if (!(value >= 0 && value < 1)) Fail(path, "is ", value, ", expected 0 to less than 1");
  }
  /// Checks the `name` of the message at `path`: IsCleanName, and not in *taken, to which it is
  /// added.
  void CheckName(const ConfigPath& path, const std::string& name,
                 std::set<std::string>* taken) const;

 private:
  const google::protobuf::Message& root_;
  const ConfigBlame& blame_;
};

}  // namespace zhiyin::config
