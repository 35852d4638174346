// Delimited text: a line is cut into values.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "configs/job.pb.h"

namespace zhiyin::worker::data {

/// How values are separated and quoted.
struct Dialect {
  /// One or two characters.
  std::string delimiter = ",";
  /// The character that may enclose a value; within, it is written twice, and spaces are kept. 0:
  /// no quotes.
  char quote = 0;
  /// Whether spaces around values are removed.
  bool trim = true;

  static Dialect Of(const Text& text);
};

/// Returns `value` without the spaces around it.
std::string_view TrimSpaces(std::string_view value);

/// Cuts lines into values. Allocates nothing once it has seen the longest line. Used by one thread.
class LineSplitter {
 public:
  explicit LineSplitter(Dialect dialect) : dialect_(std::move(dialect)) {}

  /// Replaces *values by the values of the line, of which there is at least one: views into the
  /// line or into this splitter, valid until the next call. Returns what is wrong with the line, or
  /// an empty string. A value cannot span lines.
  std::string Split(std::string_view line, std::vector<std::string_view>* values);

 private:
  std::string SplitQuoted(std::string_view line, std::vector<std::string_view>* values);
  /// Removes the quoted value from the beginning of *rest, which has no leading spaces. Returns
  /// what is wrong, or an empty string.
  std::string TakeQuoted(std::string_view* rest, std::string_view* value);
  /// Removes the value up to the next delimiter from *rest. Returns false when it was the last.
  bool TakePlain(std::string_view* rest, std::string_view* value) const;

  Dialect dialect_;
  /// Values with a doubled quote, unescaped. Its capacity is that of the line at least, so that
  /// views into it stay valid.
  std::string unquoted_;
};

}  // namespace zhiyin::worker::data
