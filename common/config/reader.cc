#include "common/config/reader.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <iomanip>
#include <limits>
#include <set>
#include <sstream>
#include <string>
#include <type_traits>
#include <vector>

#include "common/text.h"
#include "common/utf8.h"

namespace zhiyin::config {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::EnumDescriptor;
using google::protobuf::EnumValueDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::OneofDescriptor;
using google::protobuf::Reflection;
using google::protobuf::io::Tokenizer;

/// Bytes of a token that a message quotes.
constexpr size_t kMaxTokenBytes = 80;

std::vector<std::string> ValueNames(const EnumDescriptor* type) {
  std::vector<std::string> names;
  for (int i = 0; i < type->value_count(); ++i) names.push_back(type->value(i)->name());
  return names;
}

/// Whether the digits are octal in text format, as 010. Such numbers are refused, since 010 as 8 is
/// hardly ever meant.
bool IsOctal(const std::string& digits) {
  return digits.size() > 1 && digits[0] == '0' && digits[1] >= '0' && digits[1] <= '9';
}

/// Reads text by recursive descent; the language has no recursive messages, so the depth is
/// bounded. Every function reads from the current token on, up to the first one that it does not
/// consume. `path` leads to the place that is read, for errors.
class Reader : private google::protobuf::io::ErrorCollector {
 public:
  /// All outlive the reader.
  Reader(std::string_view text, ConfigBlame* blame, const Message& root)
      : blame_(blame),
        root_(root),
        input_(text.data(), static_cast<int>(text.size())),
        tokens_(&input_, this) {
    tokens_.set_comment_style(Tokenizer::SH_COMMENT_STYLE);
    tokens_.Next();
  }

  /// Reads fields up to `end`, which is a closing brace, or "" for the end of the text.
  void ReadFields(const ConfigPath& path, const std::string& end, Message* message);
  /// Reads one value of a field, to which `path` leads. An entry of a list is appended; an entry
  /// that is a message must exist already.
  void ReadValue(const ConfigPath& path, Message* message);
  void ExpectEnd(const ConfigPath& path);

 private:
  using Token = Tokenizer::Token;

  void ReadField(const ConfigPath& path, const std::string& end,
                 std::set<const FieldDescriptor*>* seen, Message* message);
  void CheckOnce(const ConfigPath& path, std::set<const FieldDescriptor*>* seen,
                 const Message& message);
  /// Reads the value of a field, or the values in the short form of a list, field: [1, 2].
  void ReadValues(const ConfigPath& parent, const FieldDescriptor* field, int line,
                  Message* message);
  /// Makes an entry of a list, or the field itself, and reads it.
  void ReadNext(const ConfigPath& parent, const FieldDescriptor* field, int line, Message* message);
  void ReadBraces(const ConfigPath& path, Message* message);
  void ReadScalar(const ConfigPath& path, Message* message);
  std::string ReadString(const ConfigPath& path);
  bool ReadBool(const ConfigPath& path);
  const EnumValueDescriptor* ReadEnum(const ConfigPath& path);
  template <typename T>
  T ReadInteger(const ConfigPath& path);
  template <typename T>
  T ReadReal(const ConfigPath& path);
  /// Throws Error for an integer of 64 bits that is not the `value` of the double that was read.
  void CheckExact(const ConfigPath& path, const std::string& sign, const std::string& digits,
                  long double value);

  /// The current token. Throws Error if it is malformed.
  const Token& Look(const ConfigPath& path);
  bool LooksAt(const ConfigPath& path, std::string_view symbol) {
    return Look(path).text == symbol;
  }
  bool Accept(const ConfigPath& path, std::string_view symbol);
  void Expect(const ConfigPath& path, std::string_view symbol);

  int line() { return tokens_.current().line + 1; }
  [[noreturn]] void Fail(const ConfigPath& path, const std::string& what) {
    blame_->Fail(root_, path, what, line());
  }
  /// Fails for the current token.
  [[noreturn]] void FailFound(const ConfigPath& path, const std::string& expected);

  void AddError(int line, google::protobuf::io::ColumnNumber column,
                const std::string& text) override;

  ConfigBlame* blame_;
  const Message& root_;
  google::protobuf::io::ArrayInputStream input_;
  Tokenizer tokens_;
  std::string token_error_;  // of the current token or what stands before it
  int token_error_line_ = 0;
};

void Reader::AddError(int line, google::protobuf::io::ColumnNumber, const std::string& text) {
  if (!token_error_.empty()) return;
  token_error_ = text;
  token_error_line_ = line + 1;
}

const Reader::Token& Reader::Look(const ConfigPath& path) {
  if (!token_error_.empty())
    blame_->Fail(root_, path, "cannot be read: " + token_error_, token_error_line_);
  return tokens_.current();
}

bool Reader::Accept(const ConfigPath& path, std::string_view symbol) {
  if (!LooksAt(path, symbol)) return false;
  tokens_.Next();
  return true;
}

void Reader::Expect(const ConfigPath& path, std::string_view symbol) {
  if (!Accept(path, symbol)) FailFound(path, "\"" + std::string(symbol) + "\"");
}

void Reader::ExpectEnd(const ConfigPath& path) {
  if (Look(path).type != Tokenizer::TYPE_END) FailFound(path, "the end");
}

void Reader::FailFound(const ConfigPath& path, const std::string& expected) {
  const Token& token = tokens_.current();
  const std::string text = Shortened(token.text, kMaxTokenBytes);
  const std::string found = token.type == Tokenizer::TYPE_END      ? "the end"
                            : token.type == Tokenizer::TYPE_STRING ? text
                                                                   : "\"" + text + "\"";
  Fail(path, "found " + found + ", expected " + expected);
}

void Reader::ReadFields(const ConfigPath& path, const std::string& end, Message* message) {
  std::set<const FieldDescriptor*> seen;
  while (!(end.empty() ? Look(path).type == Tokenizer::TYPE_END : LooksAt(path, end)))
    ReadField(path, end, &seen, message);
  if (!end.empty()) tokens_.Next();
}

void Reader::ReadField(const ConfigPath& path, const std::string& end,
                       std::set<const FieldDescriptor*>* seen, Message* message) {
  const Token name = Look(path);
  if (name.type != Tokenizer::TYPE_IDENTIFIER)
    FailFound(path, end.empty() ? "a field" : "a field or \"" + end + "\"");
  const Descriptor* type = message->GetDescriptor();
  const FieldDescriptor* field = type->FindFieldByName(name.text);
  if (field == nullptr) {
    Fail(path, "no field \"" + Shortened(name.text, kMaxTokenBytes) + "\"" +
                   Suggestion(name.text, FieldNames(type)));
  }
  if (!field->is_repeated()) CheckOnce(path(field, -1), seen, *message);
  tokens_.Next();
  ReadValues(path, field, name.line + 1, message);
  if (!Accept(path, ",")) Accept(path, ";");
}

void Reader::CheckOnce(const ConfigPath& path, std::set<const FieldDescriptor*>* seen,
                       const Message& message) {
  const FieldDescriptor* field = path.steps().back().field;
  if (!seen->insert(field).second) Fail(path, "is set twice, expected once");
  const OneofDescriptor* oneof = field->real_containing_oneof();
  if (oneof == nullptr || !message.GetReflection()->HasOneof(message, oneof)) return;
  Fail(path, "cannot be combined with " +
                 message.GetReflection()->GetOneofFieldDescriptor(message, oneof)->name() +
                 ", expected one of them");
}

void Reader::ReadValues(const ConfigPath& parent, const FieldDescriptor* field, int line,
                        Message* message) {
  const ConfigPath path = parent(field, -1);
  const bool is_message = field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE;
  if (!Accept(path, ":") && !is_message) FailFound(path, "\":\"");
  if (!field->is_repeated() || !Accept(path, "[")) return ReadNext(parent, field, line, message);
  if (Accept(path, "]")) return;
  do {
    Look(path);
    ReadNext(parent, field, this->line(), message);
  } while (Accept(path, ","));
  if (!Accept(path, "]")) FailFound(path, "\",\" or \"]\"");
}

void Reader::ReadNext(const ConfigPath& parent, const FieldDescriptor* field, int line,
                      Message* message) {
  const Reflection* reflection = message->GetReflection();
  const ConfigPath path =
      parent(field, field->is_repeated() ? reflection->FieldSize(*message, field) : -1);
  blame_->NoteLine(path, line);
  if (field->is_repeated() && field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE)
    reflection->AddMessage(message, field);
  ReadValue(path, message);
}

void Reader::ReadValue(const ConfigPath& path, Message* message) {
  const auto [field, index] = path.steps().back();
  const Reflection* reflection = message->GetReflection();
  if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) {
    ReadScalar(path, message);
  } else if (field->is_repeated()) {
    ReadBraces(path, reflection->MutableRepeatedMessage(message, field, index));
  } else {
    ReadBraces(path, reflection->MutableMessage(message, field));
  }
}

void Reader::ReadBraces(const ConfigPath& path, Message* message) {
  const std::string end = LooksAt(path, "<") ? ">" : "}";
  if (!Accept(path, "<")) Expect(path, "{");
  ReadFields(path, end, message);
}

void Reader::ReadScalar(const ConfigPath& path, Message* message) {
  const FieldDescriptor* field = path.steps().back().field;
  const Reflection* reflection = message->GetReflection();
  const auto put = [&](auto set, auto add, const auto& value) {
    if (field->is_repeated()) {
      (reflection->*add)(message, field, value);
    } else {
      (reflection->*set)(message, field, value);
    }
  };
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return put(&Reflection::SetInt32, &Reflection::AddInt32, ReadInteger<int32_t>(path));
    case FieldDescriptor::CPPTYPE_INT64:
      return put(&Reflection::SetInt64, &Reflection::AddInt64, ReadInteger<int64_t>(path));
    case FieldDescriptor::CPPTYPE_UINT32:
      return put(&Reflection::SetUInt32, &Reflection::AddUInt32, ReadInteger<uint32_t>(path));
    case FieldDescriptor::CPPTYPE_UINT64:
      return put(&Reflection::SetUInt64, &Reflection::AddUInt64, ReadInteger<uint64_t>(path));
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return put(&Reflection::SetDouble, &Reflection::AddDouble, ReadReal<double>(path));
    case FieldDescriptor::CPPTYPE_FLOAT:
      return put(&Reflection::SetFloat, &Reflection::AddFloat, ReadReal<float>(path));
    case FieldDescriptor::CPPTYPE_BOOL:
      return put(&Reflection::SetBool, &Reflection::AddBool, ReadBool(path));
    case FieldDescriptor::CPPTYPE_ENUM:
      return put(&Reflection::SetEnum, &Reflection::AddEnum, ReadEnum(path));
    case FieldDescriptor::CPPTYPE_STRING:
      return put(&Reflection::SetString, &Reflection::AddString, ReadString(path));
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return;  // has no scalar value: ReadValue knows
  }
}

std::string Reader::ReadString(const ConfigPath& path) {
  if (Look(path).type != Tokenizer::TYPE_STRING) FailFound(path, "a text in quotes");
  const int first_line = line();
  std::string value;
  for (; Look(path).type == Tokenizer::TYPE_STRING; tokens_.Next())
    Tokenizer::ParseStringAppend(tokens_.current().text, &value);
  if (const size_t at = FindInvalidUtf8(value); at != std::string::npos) {
    blame_->Fail(root_, path,
                 "byte " + std::to_string(at) + " of the value is not UTF-8, expected UTF-8 text",
                 first_line);
  }
  return value;
}

bool Reader::ReadBool(const ConfigPath& path) {
  const std::string text = Look(path).text;
  const bool is_true = text == "true" || text == "True" || text == "t" || text == "1";
  const bool is_false = text == "false" || text == "False" || text == "f" || text == "0";
  if (!is_true && !is_false) FailFound(path, "true or false");
  tokens_.Next();
  return is_true;
}

const EnumValueDescriptor* Reader::ReadEnum(const ConfigPath& path) {
  const EnumDescriptor* type = path.steps().back().field->enum_type();
  const std::string name = Look(path).text;
  const EnumValueDescriptor* value = type->FindValueByName(name);
  if (value == nullptr)
    Fail(path, "no value \"" + Shortened(name, kMaxTokenBytes) + "\"" +
                   Suggestion(name, ValueNames(type)));
  tokens_.Next();
  return value;
}

template <typename T>
T Reader::ReadInteger(const ConfigPath& path) {
  const std::string sign = Accept(path, "-") ? "-" : "";
  const Token token = Look(path);
  if (token.type != Tokenizer::TYPE_INTEGER) FailFound(path, "an integer");
  const std::string shown = sign + Shortened(token.text, kMaxTokenBytes);
  if (IsOctal(token.text))
    Fail(path, "is " + shown + ", expected an integer without a 0 before it");
  const bool is_hex = token.text.starts_with("0x") || token.text.starts_with("0X");
  const std::string digits = sign + token.text.substr(is_hex ? 2 : 0);
  T value = 0;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), value, is_hex ? 16 : 10);
  if (error != std::errc() || end != digits.data() + digits.size()) {
    std::ostringstream range;
    range << std::numeric_limits<T>::min() << " to " << std::numeric_limits<T>::max();
    Fail(path, "is " + shown + ", expected an integer from " + range.str());
  }
  tokens_.Next();
  return value;
}

void Reader::CheckExact(const ConfigPath& path, const std::string& sign, const std::string& digits,
                        long double value) {
  uint64_t integer = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), integer);
  if (error != std::errc() || static_cast<long double>(integer) == std::abs(value)) return;
  std::ostringstream rounded;
  rounded << std::fixed << std::setprecision(0) << value;
  Fail(path, "is " + sign + digits + ", of which a double holds only " + rounded.str() +
                 ": expected that, or a coarser unit (integers up to 9007199254740992 are exact)");
}

template <typename T>
T Reader::ReadReal(const ConfigPath& path) {
  const std::string sign = Accept(path, "-") ? "-" : "";
  const Token token = Look(path);
  if (token.type != Tokenizer::TYPE_INTEGER && token.type != Tokenizer::TYPE_FLOAT)
    FailFound(path, "a finite number");
  const std::string text = sign + token.text;
  T value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool is_whole = end == text.data() + text.size();
  const bool is_octal = token.type == Tokenizer::TYPE_INTEGER && IsOctal(token.text);
  if (error != std::errc() || !is_whole || is_octal) {
    Fail(path,
         "is " + sign + Shortened(token.text, kMaxTokenBytes) +
             (is_octal || !is_whole
                  ? ", expected a decimal number without a 0 before it"
                  : ", expected a finite number that a " +
                        std::string(path.steps().back().field->cpp_type_name()) + " can hold"));
  }
  if (std::is_same_v<T, double> && token.type == Tokenizer::TYPE_INTEGER)
    CheckExact(path, sign, token.text, static_cast<long double>(value));
  tokens_.Next();
  return value;
}

/// The reader counts lines by line feeds, and a comment goes up to one: with carriage returns
/// alone, most of a file would be a comment.
void CheckLineEnds(std::string_view text, const ConfigBlame& blame, const Message& root) {
  for (size_t at = text.find('\r'); at != std::string_view::npos; at = text.find('\r', at + 1)) {
    if (text.substr(at + 1, 1) == "\n") continue;
    const auto line = 1 + std::count(text.begin(), text.begin() + static_cast<ptrdiff_t>(at), '\n');
    blame.Fail(root, ConfigPath(), "a carriage return stands alone, expected a line feed behind it",
               static_cast<int>(line));
  }
}

}  // namespace

void ReadText(std::string_view text, ConfigBlame* blame, Message* root) {
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  CheckLineEnds(text, *blame, *root);
  Reader(text, blame, *root).ReadFields(ConfigPath(), "", root);
}

void ReadFieldValue(std::string_view text, const ConfigPath& path, ConfigBlame* blame,
                    const Message& root, Message* message) {
  Reader reader(text, blame, root);
  reader.ReadValue(path, message);
  reader.ExpectEnd(path);
}

}  // namespace zhiyin::config
