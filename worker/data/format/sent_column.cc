#include "worker/data/format/sent_column.h"

#include <algorithm>

#include "common/error.h"
#include "common/text.h"
#include "worker/data/format/delimited.h"
#include "worker/data/format/sparse.h"
#include "worker/data/format_records.h"

namespace zhiyin::worker::data {
namespace {

bool IsIndex(std::string_view name) {
  uint64_t index = 0;
  return ParseIndex(name, &index);
}

/// Whether libsvm has columns of this name.
bool IsColumnOfLibsvm(std::string_view name) {
  return name == "label" || name == "qid" || name == "indices" || IsIndex(name);
}

/// Whether a column of slot:feasign is a slot, and neither a plain value nor one value of a slot.
bool IsSlot(const std::string& name, const Text& text) {
  const auto& plain = text.column_name();
  if (std::find(plain.begin(), plain.end(), name) != plain.end()) return false;
  const size_t open = name.rfind('[');
  return !name.ends_with(']') || open == std::string::npos || open == 0 ||
         !IsIndex(std::string_view(name).substr(open + 1, name.size() - open - 2));
}

}  // namespace

const Format* FormatOfSentRows(const Job& job, std::span<const std::string> columns) {
  if (!job.data().has_text()) return nullptr;
  if (!job.data().columns().format().empty()) return FormatNamed(job.data().columns().format());
  try {
    return FormatOfFiles(job.data(), job.data().train(), [] {});
  } catch (const Error&) {
    // A model may be served where its files are not. Delimited text would have told its names.
    const Text& text = job.data().text();
    const bool is_named = text.header() || text.column_name_size() > 0;
    const bool may_be_libsvm =
        !is_named && std::all_of(columns.begin(), columns.end(), IsColumnOfLibsvm);
    return may_be_libsvm ? &kLibsvm : nullptr;
  }
}

SentColumn::SentColumn(const WantedColumn& column, const Format* format, const Text& text,
                       bool has_separator)
    : form_(FormOf(column, format, text)),
      use_(column.use),
      missing_(text),
      takes_list_(use_ == WantedColumn::Use::kCategories),
      is_set_(format == &kLibsvm) {
  const bool is_of_tokens = format == &kLibsvm || format == &kLibffm || format == &kSlots;
  if (is_of_tokens) {
    takes_list_ &= form_ == Form::kIndices || form_ == Form::kTokens;
  } else if (format == nullptr) {
    takes_list_ &= has_separator;
  }
  if (form_ == Form::kTokens) delimiter_ = text.has_delimiter() ? Dialect::Of(text).delimiter : ",";
}

SentColumn::Form SentColumn::FormOf(const WantedColumn& column, const Format* format,
                                    const Text& text) {
  const std::string& name = column.name;
  if (format == &kLibsvm) {
    if (name == "indices") return Form::kIndices;
    if (!IsIndex(name)) return Form::kPlain;
    return column.use == WantedColumn::Use::kCategories ? Form::kNumber : Form::kNumberOrZero;
  }
  if (format == &kLibffm) {
    if (IsIndex(name)) return Form::kIndices;
    return name == "label" ? Form::kPlain : Form::kNumber;
  }
  if (format == &kSlots && IsSlot(name, text)) return Form::kTokens;
  return Form::kPlain;
}

std::string SentColumn::ReadText(std::string_view text, std::vector<std::string_view>* pieces,
                                 Value* value) const {
  *value = text;
  if (form_ == Form::kPlain || missing_.Has(text)) return "";
  if (form_ == Form::kIndices || form_ == Form::kTokens) {
    Cut(text, pieces);
    return TakePieces(pieces, value);
  }
  TokenValue number;
  return ParseTokenValue(text, missing_, &number)
             ? ""
             : TextOf("the value is ", QuotedPiece(text), ", expected a finite number");
}

std::string SentColumn::ReadList(std::vector<std::string_view>* pieces, Value* value) const {
  if (form_ == Form::kIndices || form_ == Form::kTokens) return TakePieces(pieces, value);
  *value = pieces->empty() ? Value() : Value::List(*pieces);
  return "";
}

void SentColumn::Cut(std::string_view text, std::vector<std::string_view>* pieces) const {
  const auto separator_bytes = [&](std::string_view rest) -> size_t {
    if (rest[0] == ' ' || rest[0] == '\t') return 1;
    return delimiter_.empty() || !rest.starts_with(delimiter_) ? 0 : delimiter_.size();
  };
  pieces->clear();
  size_t begin = 0;
  for (size_t at = 0; at < text.size();) {
    const size_t n = separator_bytes(text.substr(at));
    if (n > 0 && at > begin) pieces->push_back(text.substr(begin, at - begin));
    at += std::max<size_t>(n, 1);
    if (n > 0) begin = at;
  }
  if (begin < text.size()) pieces->push_back(text.substr(begin));
}

std::string SentColumn::TakePieces(std::vector<std::string_view>* pieces, Value* value) const {
  std::erase_if(*pieces, [&](std::string_view piece) { return missing_.Has(piece); });
  if (form_ == Form::kIndices) {
    if (std::string wrong = CheckIndices(pieces); !wrong.empty()) return wrong;
  }
  *value = Value();
  if (pieces->empty()) return "";
  if (use_ == WantedColumn::Use::kCategories) {
    *value = Value::List(*pieces);
    return "";
  }
  if (pieces->size() > 1)
    return TextOf(pieces->size(), " values, expected one where one text or number is read");
  *value = pieces->front();
  return "";
}

std::string SentColumn::CheckIndices(std::vector<std::string_view>* pieces) const {
  for (std::string_view& piece : *pieces) {
    if (!IsIndex(piece)) return TextOf(QuotedPiece(piece), ", expected ", kWholeNumber);
    piece = WithoutLeadingZeros(piece);
  }
  if (!is_set_) return "";
  std::vector<std::string_view> sorted = *pieces;
  std::sort(sorted.begin(), sorted.end());
  const auto twice = std::adjacent_find(sorted.begin(), sorted.end());
  return twice == sorted.end()
             ? ""
             : TextOf("index ", *twice, " is there twice, expected each index once");
}

}  // namespace zhiyin::worker::data
