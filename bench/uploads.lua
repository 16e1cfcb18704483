-- A body of so many bytes to post: wrk -s uploads.lua <url> -- <bytes>

function init(args)
  local size = tonumber(args[1])
  local body = string.rep('0123456789abcdef', math.ceil(size / 16)):sub(1, size)
  local fields = { ['Content-Type'] = 'application/octet-stream' }
  local text = wrk.format('POST', nil, fields, body)
  -- One text for all connections and requests: none is put together anew.
  function request()
    return text
  end
end
