#include "worker/data/format/json_paths.h"

#include <algorithm>
#include <charconv>

#include "common/error.h"

namespace zhiyin::worker::data {
namespace {

/// A part of a name, as emb[3]: a key and positions in the list that it holds.
struct JsonPathPart {
  std::string_view key;
  std::vector<size_t> positions;
};

/// Brackets that hold no number, or follow no key, are characters of the key.
JsonPathPart ParseJsonPathPart(std::string_view text) {
  JsonPathPart part = {text, {}};
  while (part.key.ends_with(']')) {
    const size_t open = part.key.rfind('[');
    if (open == std::string_view::npos || open == 0) break;
    const char* const begin = part.key.data() + open + 1;
    const char* const end = part.key.data() + part.key.size() - 1;
    uint32_t position = 0;
    const auto [stop, error] = std::from_chars(begin, end, position);
    if (error != std::errc() || stop != end) break;
    part.positions.push_back(position);
    part.key = part.key.substr(0, open);
  }
  std::reverse(part.positions.begin(), part.positions.end());
  return part;
}

/// Whether a column is named by its position: #7.
bool IsJsonPosition(std::string_view name) {
  return name.size() > 1 && name[0] == '#' &&
         name.find_first_not_of("0123456789", 1) == std::string_view::npos;
}

}  // namespace

JsonPaths::JsonPaths(std::span<const std::string> names) {
  for (size_t column = 0; column < names.size(); ++column) {
    if (names[column].empty() || IsJsonPosition(names[column]))
      Fail("column \"", names[column], "\": values of JSON Lines have names, expected a key");
    Add(column, names[column]);
  }
}

void JsonPaths::Add(size_t column, std::string_view name) {
  // Returns the node of a key that ends before `rest` does, and makes it where there is none.
  const auto node_of_key = [&](Node* in, std::string_view key, const char* end) {
    std::unique_ptr<Node>& node = in->keys_[std::string(key)];
    if (node == nullptr) {
      node = std::make_unique<Node>();
      node->name = name.substr(0, static_cast<size_t>(end - name.data()));
      node->key = key;
    }
    return node.get();
  };
  Node* at = &root_;
  std::string_view rest = name;
  for (int n_splits = 0;; ++n_splits) {
    const Place split = {column, n_splits + 1};
    node_of_key(at, rest, rest.data() + rest.size())->here.push_back({column, n_splits});
    const size_t dot = rest.find('.');
    const JsonPathPart part = ParseJsonPathPart(rest.substr(0, dot));
    if (dot == std::string_view::npos && part.positions.empty()) return;
    at = node_of_key(at, part.key, part.key.data() + part.key.size());
    for (const size_t position : part.positions) {
      at->in_list.push_back(split);
      std::unique_ptr<Node>& element = at->elements[position];
      if (element == nullptr) {
        element = std::make_unique<Node>();
        element->name = at->name + "[" + std::to_string(position) + "]";
      }
      at = element.get();
    }
    if (dot == std::string_view::npos) {
      at->here.push_back(split);
      return;
    }
    at->in_object.push_back(split);
    rest.remove_prefix(dot + 1);
  }
}

JsonPaths::Node* JsonPaths::Find(Node* in, Node* previous, std::string_view key) {
  // Records mostly have their keys in one order.
  Node*& likely = previous != nullptr ? previous->follower_ : in->first_;
  if (likely != nullptr && likely->key == key) return likely;
  const auto found = in->keys_.find(key);
  if (found == in->keys_.end()) return nullptr;
  return likely = found->second.get();
}

}  // namespace zhiyin::worker::data
