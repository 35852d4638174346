// A line of delimited text, cut into values.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "configs/job.pb.h"

namespace zhiyin::worker::data {

/// How lines are written.
struct Dialect {
  /// One or two characters.
  std::string delimiter = ",";
  /// May enclose a value; inside, twice this character stands for itself, and spaces are kept. 0:
  /// no quotes.
  char quote = 0;
  /// Spaces around values are no part of them.
  bool trim = true;

  static Dialect Of(const Text& text);
};

/// `value` without the spaces around it.
std::string_view TrimSpaces(std::string_view value);

/// Cuts line after line; allocates nothing once warm. One thread.
class LineSplitter {
 public:
  explicit LineSplitter(Dialect dialect) : dialect_(std::move(dialect)) {}

  /// Replaces *values by the line's values, at least one: views into the line or into this
  /// splitter, valid until the next call. Returns what is wrong with the line; empty when nothing
  /// is. A value cannot span lines.
  std::string Split(std::string_view line, std::vector<std::string_view>* values);

 private:
  std::string SplitQuoted(std::string_view line, std::vector<std::string_view>* values);
  /// Takes the quoted value at the start of *rest, spaces before it gone. Returns what is wrong.
  std::string TakeQuoted(std::string_view* rest, std::string_view* value);
  /// Takes the value up to the next delimiter. Returns false when it was the last.
  bool TakePlain(std::string_view* rest, std::string_view* value) const;

  Dialect dialect_;
  std::string unquoted_;  // values that had a doubled quote; as long as the line at most, so that
                          // views stay valid
};

}  // namespace zhiyin::worker::data
