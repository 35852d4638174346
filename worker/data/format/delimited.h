// Delimited text (RFC 4180, with other delimiters as well): a record is cut into values.
//
// A record is a line, or several where a quoted value holds line ends. A value that begins with a
// quote ends at the next one that is not doubled, and the delimiter or the end of the record
// follows; elsewhere a quote is an ordinary character.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "configs/job.pb.h"

namespace zhiyin::worker::data {

/// How a text file is written. Plain data.
struct Dialect {
  /// One or two characters; "": the first line of a file tells (FindDelimiter).
  std::string delimiter = ",";
  /// The character that may enclose a value; within, it is written twice. 0: no quotes.
  char quote = 0;
  /// Whether spaces around values are removed: outside of quotes and within them, but not those
  /// that are written as escapes.
  bool trim = true;
  /// Whether a record whose quotes do not fit is read as if they were ordinary characters.
  bool quote_may_be_text = false;
  /// Whether values are written as TsvCell writes them.
  bool escapes = false;
  /// A name that iconv knows; "": UTF-8.
  std::string encoding = {};
  /// The number of columns where the configuration names them, else 0; helps to find the delimiter.
  size_t n_columns = 0;

  static Dialect Of(const Text& text);

  /// What a value without quotes and escapes means. This is also what a value of a request means.
  std::string_view PlainValue(std::string_view value) const;
};

/// Returns `value` without the spaces around it.
std::string_view TrimSpaces(std::string_view value);

/// Returns the delimiter of a file: the first of tab , :: | ; that cuts its first line into
/// dialect.n_columns values, or else the first that the line has, or else a comma.
std::string FindDelimiter(const Dialect& dialect, std::string_view first_line);

/// Follows the quotes of a record from line to line. Used by one thread.
class QuoteScanner {
 public:
  enum class State {
    kWhole,   // the record ends with the line
    kOpen,    // the line ends within a quoted value
    kBroken,  // text follows a closing quote
  };

  /// Borrows the dialect, which has a quote and a delimiter.
  explicit QuoteScanner(const Dialect& dialect) : dialect_(dialect) {}

  /// Returns the state after the next line of the record. REQUIRES: kOpen was returned for the line
  /// before it, if any.
  State Add(std::string_view line);

 private:
  const Dialect& dialect_;
  bool in_quotes_ = false;
};

/// Cuts records into values. Allocates nothing once it has seen the longest one. Used by one
/// thread.
class LineSplitter {
 public:
  explicit LineSplitter(Dialect dialect) : dialect_(std::move(dialect)) {}

  /// Replaces *values by the values of the record, of which there is at least one: views into it or
  /// into this splitter, valid until the next call. Returns what is wrong with the record, or an
  /// empty string. REQUIRES: the dialect has a delimiter.
  std::string Split(std::string_view line, std::vector<std::string_view>* values);

 private:
  std::string SplitQuoted(std::string_view line, std::vector<std::string_view>* values);
  /// Removes a quoted value and its closing quote from the beginning of *rest, from which the
  /// opening quote was removed. Returns what is wrong, or an empty string.
  std::string TakeQuoted(std::string_view* rest, std::string_view* value);
  /// Removes the value up to the next delimiter from *rest. Returns false when it was the last.
  bool TakePlain(std::string_view* rest, std::string_view* value) const;
  /// Replaces the escapes of the values. Returns what is wrong, or an empty string.
  std::string Unescape(size_t n_line, std::vector<std::string_view>* values);

  Dialect dialect_;
  /// Values without their doubled quotes or escapes. Its capacity is the length of the record at
  /// least, so that views into it stay valid.
  std::string unquoted_;
};

}  // namespace zhiyin::worker::data
