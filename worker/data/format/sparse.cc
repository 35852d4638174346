#include "worker/data/format/sparse.h"

#include <algorithm>
#include <charconv>

#include "common/text.h"
#include "common/utf8.h"
#include "worker/data/example_parser.h"
#include "worker/data/format/format.h"
#include "worker/data/text_columns.h"

namespace zhiyin::worker::data {
namespace {

/// How many lines at the beginning of a file tell whether it has tokens.
constexpr int kLinesJudged = 20;

bool IsSpaceOrTab(char c) {
  return c == ' ' || c == '\t';
}

bool IsAsciiDigit(char c) {
  return c >= '0' && c <= '9';
}

bool IsBlankLine(std::string_view line) {
  return line.find_first_not_of(" \t") == std::string_view::npos;
}

std::string_view WithoutComment(std::string_view line, char comment) {
  return comment == 0 ? line : line.substr(0, line.find(comment));
}

/// The dialect of lines in which quotes are ordinary characters.
Dialect TokenDialect(const Text& text) {
  Dialect dialect = Dialect::Of(text);
  dialect.quote = 0;
  dialect.escapes = false;
  return dialect;
}

/// Removes the part up to the next colon, and the colon, from *token. REQUIRES: it has a colon.
std::string_view TakePart(std::string_view* token) {
  const size_t n = token->find(':');
  const std::string_view part = token->substr(0, n);
  token->remove_prefix(n + 1);
  return part;
}

/// Whether a number has a zero before its first other digit, as minutes have and numbers have not.
bool HasLeadingZero(std::string_view number) {
  return number.size() > 1 && number[0] == '0' && IsAsciiDigit(number[1]);
}

/// Whether minutes or seconds may be written so: two digits below 60, and a fraction if `is_last`.
bool MayBeSixtieths(std::string_view text, bool is_last) {
  return text.size() >= 2 && text[0] >= '0' && text[0] <= '5' && IsAsciiDigit(text[1]) &&
         (text.size() == 2 || (is_last && text[2] == '.'));
}

/// What the beginning of a file says of its format.
class StartJudge {
 public:
  explicit StartJudge(int n_indices) : n_indices_(n_indices) {}

  /// Looks at a line that is not blank; returns false where it does not fit.
  bool Fits(std::string_view line) {
    double label = 0;
    return ParseNumber(TakeToken(&line), &label) && FitsUnlabelled(line);
  }

  /// Looks at a line without its label, or at one that has none.
  bool FitsUnlabelled(std::string_view line) {
    indices_.clear();
    std::string_view token = TakeToken(&line);
    uint64_t query = 0;
    if (n_indices_ == 1 && token.starts_with("qid:")) {
      if (!ParseIndex(token.substr(4), &query)) return false;
      token = TakeToken(&line);
    }
    for (; !token.empty(); token = TakeToken(&line)) {
      if (!FitsToken(token)) return false;
    }
    if (!indices_.empty()) ++n_lines_with_tokens_;
    std::sort(indices_.begin(), indices_.end());
    return n_indices_ > 1 || std::adjacent_find(indices_.begin(), indices_.end()) == indices_.end();
  }

  int n_lines_with_tokens() const { return n_lines_with_tokens_; }
  /// Whether each token may be a time of day: hours, minutes, and seconds where there are two
  /// indices.
  bool may_be_times() const { return may_be_times_; }

 private:
  bool FitsToken(std::string_view token) {
    if (std::count(token.begin(), token.end(), ':') != n_indices_) return false;
    bool may_be_time = true;
    for (int i = 0; i < n_indices_; ++i) {
      const std::string_view part = TakePart(&token);
      uint64_t index = 0;
      if (!ParseIndex(part, &index) || HasLeadingZero(part)) return false;
      may_be_time &= i == 0 ? index <= 24 : MayBeSixtieths(part, false);
      if (i == 0) indices_.push_back(index);
    }
    double number = 0;
    if (!ParseNumber(token, &number) || HasLeadingZero(token)) return false;
    may_be_times_ &= may_be_time && MayBeSixtieths(token, n_indices_ > 1);
    return true;
  }

  int n_indices_;
  int n_lines_with_tokens_ = 0;
  bool may_be_times_ = true;
  std::vector<uint64_t> indices_;  // the first ones of a line's tokens
};

/// Removes a line from the beginning of *start, which is not empty, and returns it without its
/// comment.
std::string_view TakeStartLine(std::string_view* start, int n_indices) {
  const size_t n = std::min(start->find_first_of("\r\n"), start->size());
  const std::string_view line = WithoutComment(start->substr(0, n), n_indices == 1 ? '#' : '\0');
  start->remove_prefix(std::min(n + 1, start->size()));
  return line;
}

/// Returns the first bytes of a file without a line or token that they cut off.
std::string_view WholeLines(std::string_view start) {
  constexpr std::string_view kUtf8Mark = "\xef\xbb\xbf";
  const bool is_cut = start.size() >= kStartBytes;
  if (start.starts_with(kUtf8Mark)) start.remove_prefix(kUtf8Mark.size());
  if (!is_cut) return start;
  size_t end = start.find_last_of("\r\n");
  if (end == std::string_view::npos) end = start.find_last_of(" \t");
  return start.substr(0, end == std::string_view::npos ? 0 : end);
}

}  // namespace

std::string_view TakeToken(std::string_view* rest) {
  const char* begin = rest->data();
  const char* const end = begin + rest->size();
  while (begin != end && IsSpaceOrTab(*begin)) ++begin;
  const char* at = begin;
  while (at != end && !IsSpaceOrTab(*at)) ++at;
  *rest = {at, static_cast<size_t>(end - at)};
  return {begin, static_cast<size_t>(at - begin)};
}

bool ParseIndex(std::string_view text, uint64_t* index) {
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, *index);
  return error == std::errc() && stop == end;
}

std::string_view WithoutLeadingZeros(std::string_view digits) {
  return digits.substr(std::min(digits.find_first_not_of('0'), digits.size() - 1));
}

std::string QuotedPiece(std::string_view text) {
  constexpr size_t kMaxBytes = 40;
  const std::string_view shown = Utf8Beginning(text, kMaxBytes);
  return "\"" + OneLine(shown) + (shown.size() < text.size() ? "...\"" : "\"");
}

std::string WrongPart(std::string_view token, const char* part, std::string_view text,
                      const char* expected) {
  return TextOf("token ", QuotedPiece(token), ": the ", part, " is ", QuotedPiece(text),
                ", expected ", expected);
}

std::string WrongWeight(std::string_view token, std::string_view value, const char* layout) {
  return TextOf("token ", QuotedPiece(token), ": the value is ", QuotedPiece(value),
                ", expected 0 or 1, since a category has no weight; data.text.", layout,
                ".ignore_values: true takes the index alone");
}

bool ParseTokenValue(std::string_view text, const MissingValues& missing, TokenValue* value) {
  value->text = text;
  if (text.empty()) return false;
  value->is_missing = missing.Has(text);
  return ParseNumber(text, &value->number) || value->is_missing;
}

Value ValueFor(WantedColumn::Use use, const TokenValue& value) {
  if (use != WantedColumn::Use::kNumber) return value.text;
  return value.is_missing ? Value() : Value::Number(value.number);
}

bool StartsWithTokens(std::string_view start, int n_indices) {
  StartJudge judge(n_indices);
  start = WholeLines(start);
  while (!start.empty() && judge.n_lines_with_tokens() < kLinesJudged) {
    const std::string_view line = TakeStartLine(&start, n_indices);
    if (!IsBlankLine(line) && !judge.Fits(line)) return false;
  }
  return judge.n_lines_with_tokens() > 0 && !judge.may_be_times();
}

bool HasTokenLine(std::string_view start, int n_indices) {
  StartJudge judge(n_indices);
  start = WholeLines(start);
  bool has_line = false;
  int n_unfit = 0;
  while (!start.empty() && n_unfit < kLinesJudged) {
    const std::string_view line = TakeStartLine(&start, n_indices);
    if (IsBlankLine(line)) continue;
    has_line = true;
    if (!judge.Fits(line) && !judge.FitsUnlabelled(line)) {
      ++n_unfit;
    } else if (judge.n_lines_with_tokens() > 0) {
      return true;
    }
  }
  return !has_line;
}

TokenLineReader::TokenLineReader(const std::string& path, const Text& text, size_t n_wanted,
                                 char comment, ReadCounts* counts)
    : lines_(path, TokenDialect(text), counts), n_wanted_(n_wanted), comment_(comment) {}

bool TokenLineReader::Next(Record* record) {
  Line line;
  if (!NextLine(&line)) return false;
  record->number = line.number;
  record->values.assign(n_wanted_, Value());
  record->seen.resize(n_wanted_);
  record->wrong = CheckText(line);
  if (!record->wrong.empty()) return true;
  record->wrong = Parse(line.text, record);
  if (!record->wrong.empty()) record->values.assign(n_wanted_, Value());
  return true;
}

int64_t TokenLineReader::Skip(int64_t n) {
  Line line;
  int64_t n_skipped = 0;
  while (n_skipped < n && NextLine(&line)) ++n_skipped;
  return n_skipped;
}

bool TokenLineReader::NextLine(Line* line) {
  while (lines_.Next(line)) {
    line->text = WithoutComment(line->text, comment_);
    if (line->too_long || !IsBlankLine(line->text)) return true;
  }
  return false;
}

}  // namespace zhiyin::worker::data
