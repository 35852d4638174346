// What libsvm, libffm and slot:feasign text have in common: a record is a line of tokens whose
// parts are joined by colons.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "configs/job.pb.h"
#include "worker/data/format/record_reader.h"
#include "worker/data/line_reader.h"
#include "worker/data/missing_values.h"

namespace zhiyin::worker::data {

/// Removes spaces and tabs from the beginning of *rest, and then the token up to the next of them,
/// which it returns; an empty one where there is none.
std::string_view TakeToken(std::string_view* rest);

/// Parses all of `text` as an index: decimal digits, less than 2^64.
bool ParseIndex(std::string_view text, uint64_t* index);
/// Returns an index without zeros before it: 3 for 003. It is a part of `digits`, which are not
/// empty.
std::string_view WithoutLeadingZeros(std::string_view digits);

/// Returns a piece of a line as messages show it: short, in quotes, without control characters.
std::string QuotedPiece(std::string_view text);
/// Returns a message: token "x:1": the index is "x", expected a whole number below 2^64.
std::string WrongPart(std::string_view token, const char* part, std::string_view text,
                      const char* expected);
inline constexpr const char* kWholeNumber = "a whole number below 2^64";
/// Returns the message about an index that a list of categories cannot take. `layout`: its field in
/// Text.
std::string WrongWeight(std::string_view token, std::string_view value, const char* layout);

/// The value behind the last colon of a token. A plain value.
struct TokenValue {
  /// The text as it is written, borrowed from the line; empty where there is no token.
  std::string_view text;
  double number = 0;
  /// Whether it stands for no value (Text.missing); then it need not be a number.
  bool is_missing = false;
};
/// Parses a value. Returns false where it is no finite number and does not mean "missing".
bool ParseTokenValue(std::string_view text, const MissingValues& missing, TokenValue* value);

/// What a value is where its column is read for a use. REQUIRES: value.text is not empty.
Value ValueFor(WantedColumn::Use use, const TokenValue& value);

/// Whether the lines at the beginning of a file, of which these are the first bytes, are a number
/// and then tokens of `n_indices` whole numbers and a number. Twenty lines are looked at, and those
/// without a token tell nothing. Text that may be times of day, as 12:30, is not recognised. For
/// one index a token qid:N may precede the others, none is there twice, and a # begins a comment.
bool StartsWithTokens(std::string_view start, int n_indices);

/// Whether a line at the beginning of a file has such tokens, behind a number or without one,
/// before twenty lines that fit in neither way. True where all lines are blank or comments.
bool HasTokenLine(std::string_view start, int n_indices);

/// Reads files of one record a line. Lines of spaces and tabs, or of nothing but a comment, are no
/// records. Allocates nothing for a good record once it has seen the longest one.
class TokenLineReader : public RecordReader {
 public:
  bool Next(Record* record) final;
  int64_t Skip(int64_t n) final;

 protected:
  /// Opens a file, whose lines are cut by its readers. `comment` begins a comment up to the end of
  /// the line; 0: nothing does.
  TokenLineReader(const std::string& path, const Text& text, size_t n_wanted, char comment,
                  ReadCounts* counts);

  /// The delimiter that the config or the first line of the file tells; empty where there is
  /// neither.
  const std::string& delimiter() const { return lines_.dialect().delimiter; }

 private:
  /// Parses a line of UTF-8. Sets those of record->values that it has; all are missing before. Sets
  /// those of record->seen, too. Returns what is wrong, or an empty string. What the values borrow
  /// is the line's or the reader's, valid until the next call.
  virtual std::string Parse(std::string_view line, Record* record) = 0;

  /// Reads the next line that is a record, without its comment.
  bool NextLine(Line* line);

  LineReader lines_;
  size_t n_wanted_;
  char comment_;
};

}  // namespace zhiyin::worker::data
