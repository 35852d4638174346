#include "worker/data/format/arrow_type.h"

#include <charconv>
#include <cstring>
#include <string_view>

#include "common/error.h"
#include "common/text.h"

namespace zhiyin::worker::data {
namespace {

/// Structs and lists within each other, at most.
constexpr int kMaxTypeDepth = 64;

/// Takes a whole number from the front of a text.
std::optional<int64_t> TakeInteger(std::string_view* text) {
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (error != std::errc()) return std::nullopt;
  text->remove_prefix(static_cast<size_t>(end - text->data()));
  return number;
}

void SetKind(ArrowKind kind, int bytes, const char* description, ArrowType* type) {
  type->kind = kind;
  type->bytes = bytes;
  type->description = description;
}

/// "d:PRECISION,SCALE[,BITS]"
void SetDecimal(std::string_view format, ArrowType* type) {
  format.remove_prefix(2);
  if (!TakeInteger(&format) || !format.starts_with(',')) return;
  format.remove_prefix(1);
  const std::optional<int64_t> scale = TakeInteger(&format);
  int64_t bits = 128;
  if (format.starts_with(',')) {
    format.remove_prefix(1);
    bits = TakeInteger(&format).value_or(0);
  }
  if (!scale || *scale < -128 || *scale > 127 || !format.empty()) return;
  if (bits != 32 && bits != 64 && bits != 128 && bits != 256) return;
  SetKind(ArrowKind::kDecimal, static_cast<int>(bits / 8), "a decimal", type);
  type->digits = static_cast<int>(*scale);
}

/// "tdD", "tss:ZONE" and their like.
void SetTime(std::string_view format, ArrowType* type) {
  if (format == "tdD") {
    SetKind(ArrowKind::kTime, 4, "a date", type);
    type->seconds = 86400;
    return;
  }
  if (format == "tdm") {
    SetKind(ArrowKind::kTime, 8, "a date", type);
    type->digits = 3;
    return;
  }
  if (format.starts_with("ti")) {
    type->description = "an interval of months and days";
    return;
  }
  constexpr std::string_view kUnits = "smun";
  const size_t unit = format.size() < 3 ? std::string_view::npos : kUnits.find(format[2]);
  if (unit == std::string_view::npos) return;
  if (format.starts_with("tt") && format.size() == 3) {
    SetKind(ArrowKind::kTime, unit < 2 ? 4 : 8, "a time of day", type);
  } else if (format.starts_with("tD") && format.size() == 3) {
    SetKind(ArrowKind::kTime, 8, "a duration", type);
  } else if (format.starts_with("ts") && format.size() > 3 && format[3] == ':') {
    SetKind(ArrowKind::kTime, 8, "a time", type);
  } else {
    return;
  }
  type->digits = static_cast<int>(3 * unit);
}

/// A type of one letter. Returns false for another.
bool SetLetter(std::string_view format, ArrowType* type) {
  if (format.size() != 1) return false;
  switch (format[0]) {
    case 'n':
      SetKind(ArrowKind::kNull, 0, "null", type);
      return true;
    case 'b':
      SetKind(ArrowKind::kBool, 0, "a bool", type);
      return true;
    case 'c':
    case 's':
    case 'i':
    case 'l':
      SetKind(ArrowKind::kInt, 1 << std::string_view("csil").find(format[0]), "an integer", type);
      return true;
    case 'C':
    case 'S':
    case 'I':
    case 'L':
      SetKind(ArrowKind::kUint, 1 << std::string_view("CSIL").find(format[0]), "an integer", type);
      return true;
    case 'e':
    case 'f':
    case 'g':
      SetKind(ArrowKind::kFloat, 2 << std::string_view("efg").find(format[0]), "a float", type);
      return true;
    case 'u':
    case 'z':
      SetKind(ArrowKind::kText, 4, "text", type);
      return true;
    case 'U':
    case 'Z':
      SetKind(ArrowKind::kText, 8, "text", type);
      return true;
    default:
      return false;
  }
}

/// Whether the metadata of a schema has this value of this key. It holds their number, then all
/// keys and values, each after its length.
bool HasMetadata(const char* metadata, std::string_view key, std::string_view value) {
  if (metadata == nullptr) return false;
  const auto take_number = [&] {
    int32_t number = 0;
    std::memcpy(&number, metadata, sizeof(number));
    metadata += sizeof(number);
    return number;
  };
  const auto take_text = [&] {
    const auto n_bytes = static_cast<size_t>(take_number());
    const std::string_view text(metadata, n_bytes);
    metadata += text.size();
    return text;
  };
  for (int32_t n = take_number(); n > 0; --n) {
    const std::string_view this_key = take_text();
    const std::string_view this_value = take_text();
    if (this_key == key && this_value == value) return true;
  }
  return false;
}

/// "w:BYTES" and "+w:ITEMS".
void SetFixed(ArrowKind kind, std::string_view size, const char* description, ArrowType* type) {
  const std::optional<int64_t> number = TakeInteger(&size);
  if (!number || *number < 0 || *number > INT32_MAX || !size.empty()) return;
  SetKind(kind, 0, description, type);
  type->size = *number;
}

void SetNested(std::string_view format, ArrowType* type) {
  if (format == "+s") {
    SetKind(ArrowKind::kStruct, 0, "a struct", type);
  } else if (format == "+l") {
    SetKind(ArrowKind::kList, 4, "a list", type);
  } else if (format == "+L") {
    SetKind(ArrowKind::kList, 8, "a list", type);
  } else if (format == "+vl") {
    SetKind(ArrowKind::kListView, 4, "a list", type);
  } else if (format == "+vL") {
    SetKind(ArrowKind::kListView, 8, "a list", type);
  } else if (format.starts_with("+w:")) {
    SetFixed(ArrowKind::kFixedList, format.substr(3), "a list", type);
  } else if (format == "+m") {
    type->description = "a map";
  } else if (format.starts_with("+u")) {
    type->description = "a union";
  } else if (format == "+r") {
    type->description = "run-end encoded";
  }
  if (type->kind != ArrowKind::kStruct && type->kind != ArrowKind::kOther &&
      type->children.size() != 1)
    SetKind(ArrowKind::kOther, 0, "a list of no one type", type);
}

ArrowType ParseType(const ArrowSchema& schema, int depth) {
  ArrowType type;
  type.name = schema.name == nullptr ? "" : schema.name;
  const std::string_view format = schema.format == nullptr ? "" : schema.format;
  type.description = TextOf("of the type \"", format, "\"");
  if (depth > kMaxTypeDepth) {
    type.description = TextOf("nested more than ", kMaxTypeDepth, " deep");
    return type;
  }
  for (int64_t i = 0; i < schema.n_children && schema.children != nullptr; ++i) {
    if (schema.children[i] == nullptr) return type;
    type.children.push_back(ParseType(*schema.children[i], depth + 1));
  }
  if (SetLetter(format, &type)) {
    // Done.
  } else if (format == "vu" || format == "vz") {
    SetKind(ArrowKind::kTextView, 16, "text", &type);
  } else if (format.starts_with("w:")) {
    SetFixed(ArrowKind::kFixedText, format.substr(2), "text", &type);
    if (type.size == 16 && HasMetadata(schema.metadata, "ARROW:extension:name", "arrow.uuid"))
      SetKind(ArrowKind::kUuid, 16, "a UUID", &type);
  } else if (format.starts_with("d:")) {
    SetDecimal(format, &type);
  } else if (format.starts_with("t")) {
    SetTime(format, &type);
  } else if (format.starts_with("+")) {
    SetNested(format, &type);
  }
  if (schema.dictionary == nullptr) return type;
  if (type.kind != ArrowKind::kInt && type.kind != ArrowKind::kUint) {
    type.kind = ArrowKind::kOther;
    type.description = "a dictionary with indices " + type.description;
    return type;
  }
  type.dictionary.push_back(ParseType(*schema.dictionary, depth + 1));
  return type;
}

/// Whether a value is at most one text or number.
bool IsOneValue(const ArrowType& type) {
  if (!type.dictionary.empty())
    return type.dictionary[0].dictionary.empty() && IsOneValue(type.dictionary[0]);
  return type.kind != ArrowKind::kOther && type.kind != ArrowKind::kStruct &&
         !IsArrowList(type.kind);
}

/// Finds a name among the fields of a struct. Returns nullopt where there is none.
std::optional<ArrowPlace> FindField(const ArrowType& fields, std::string_view name) {
  for (size_t i = 0; i < fields.children.size(); ++i) {
    if (fields.children[i].name == name) return ArrowPlace{{i}, {}};
  }
  // The longest beginning that is a struct's name, since names may have dots.
  for (size_t dot = name.rfind('.'); dot != std::string_view::npos && dot > 0;
       dot = name.rfind('.', dot - 1)) {
    for (size_t i = 0; i < fields.children.size(); ++i) {
      const ArrowType& field = fields.children[i];
      if (field.kind != ArrowKind::kStruct || field.name != name.substr(0, dot)) continue;
      std::optional<ArrowPlace> within = FindField(field, name.substr(dot + 1));
      if (!within) continue;
      within->fields.insert(within->fields.begin(), i);
      return within;
    }
  }
  return std::nullopt;
}

/// Cuts "[N]" from the end of a name.
std::optional<int64_t> TakeElement(std::string_view* name) {
  const size_t open = name->rfind('[');
  if (!name->ends_with(']') || open == std::string_view::npos || open == 0) return std::nullopt;
  std::string_view digits = name->substr(open + 1, name->size() - open - 2);
  if (digits.empty() || digits[0] < '0' || digits[0] > '9') return std::nullopt;
  const std::optional<int64_t> element = TakeInteger(&digits);
  if (!element || !digits.empty()) return std::nullopt;
  name->remove_suffix(name->size() - open);
  return element;
}

/// Adds the names that a column may be wanted by.
void AddNames(const ArrowType& fields, const std::string& before, std::vector<std::string>* names) {
  for (const ArrowType& field : fields.children) {
    if (field.kind == ArrowKind::kStruct) {
      AddNames(field, before + field.name + ".", names);
    } else {
      names->push_back(before + field.name);
    }
  }
}

/// Throws Error where two fields at one level of the place have its name.
void CheckUnique(const std::string& path, const ArrowType& table, const ArrowPlace& place) {
  const ArrowType* fields = &table;
  for (const size_t i : place.fields) {
    const ArrowType& field = fields->children[i];
    for (size_t j = 0; j < fields->children.size(); ++j) {
      if (j != i && fields->children[j].name == field.name) {
        Fail(path, ": has two columns \"", field.name, "\" (", i + 1, " and ", j + 1,
             "), expected one");
      }
    }
    fields = &field;
  }
}

}  // namespace

bool IsArrowList(ArrowKind kind) {
  return kind == ArrowKind::kList || kind == ArrowKind::kListView || kind == ArrowKind::kFixedList;
}

ArrowType ArrowTypeOf(const ArrowSchema& schema) {
  return ParseType(schema, 0);
}

const ArrowType& TypeAt(const ArrowType& table, const ArrowPlace& place) {
  const ArrowType* type = &table;
  for (const size_t i : place.fields) type = &type->children[i];
  return *type;
}

std::vector<std::string> NamesOfArrowColumns(const ArrowType& table) {
  std::vector<std::string> names;
  AddNames(table, "", &names);
  return names;
}

ArrowPlace FindArrowColumn(const std::string& path, const ArrowType& table,
                           const WantedColumn& wanted) {
  std::optional<ArrowPlace> place = FindField(table, wanted.name);
  if (!place) {
    std::string_view list = wanted.name;
    if (const std::optional<int64_t> element = TakeElement(&list)) place = FindField(table, list);
    if (place) {
      list = wanted.name;
      place->element = TakeElement(&list);
    }
  }
  if (!place) {
    Fail(path, ": has no column \"", wanted.name, "\"",
         Suggestion(wanted.name, NamesOfArrowColumns(table)));
  }
  CheckUnique(path, table, *place);
  const ArrowType& type = TypeAt(table, *place);
  const auto fail = [&](const std::string& what, const char* expected) {
    Fail(path, ": column \"", wanted.name, "\" is ", what, ", expected ", expected);
  };
  constexpr const char* kExpected = "text, numbers, times, or lists of them";
  if (type.kind == ArrowKind::kStruct) {
    std::vector<std::string> names;
    AddNames(type, wanted.name + ".", &names);
    fail("a struct",
         names.empty() ? kExpected : TextOf("one of its fields: \"", names[0], "\"").c_str());
  }
  if (IsArrowList(type.kind)) {
    const ArrowType& items = type.children[0];
    if (!IsOneValue(items)) fail("a list whose items are each " + items.description, kExpected);
    if (type.kind == ArrowKind::kFixedList && place->element && *place->element >= type.size)
      fail("a list of " + std::to_string(type.size) + " items", "[N] below that, from 0");
    return *place;
  }
  if (place->element) fail(type.description, "a list, of which [N] is an item");
  if (!IsOneValue(type)) {
    fail(type.dictionary.empty()
             ? type.description
             : "a dictionary of values that are each " + type.dictionary[0].description,
         kExpected);
  }
  return *place;
}

}  // namespace zhiyin::worker::data
