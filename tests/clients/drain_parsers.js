// A sink for an HTTP drain as one writes it with what npm has. Run by
// node-with-parsers (tests/fetch-clients); see receivers.py.
//
//     node-with-parsers drain_parsers.js PARSER PORT RECORDS [KEY CERT]
//
// Writes a line of JSON to RECORDS for each body: what its headers said, and
// what the parser made of it. Answers 204, or 500 and why.
'use strict'
const fs = require('fs')
const [parser, port, records, key, cert] = process.argv.slice(2)

// RFC 6587: frames of "LENGTH MESSAGE", one behind the other.
function frames (body) {
  const found = []
  for (let at = 0; at < body.length;) {
    const blank = body.indexOf(0x20, at)
    const digits = body.toString('latin1', at, blank)
    const end = blank + 1 + Number(digits)
    if (!/^[1-9][0-9]*$/.test(digits) || end > body.length) {
      throw new Error('no frame at byte ' + at + ' of ' + body.length)
    }
    found.push(body.toString('utf8', blank + 1, end))
    at = end
  }
  return found
}

// STRUCTURED-DATA is what the form of HTTP drains is without.
const HEAD = /^(<[0-9]+>1 [^ ]+ [^ ]+ [^ ]+ [^ ]+ [^ ]+ )/

const middlewares = {
  logfmt: () => require('logfmt').bodyParser(),
  glossy: () => each(frame => {
    const m = require('glossy').Parse.parse(frame)
    return [m.prival, m.time.toISOString(), m.host, m.appName, m.pid, m.msgID,
      m.message]
  }),
  'nsyslog-parser': () => each(frame => {
    const m = require('nsyslog-parser')(frame.replace(HEAD, '$1- '),
      { cef: false, leef: false, fields: false })
    if (m.err) throw m.err
    return [m.prival, m.ts.toISOString(), m.host, m.appName, m.pid,
      m.messageid, m.message]
  })
}

function each (parse) {
  return (req, res, next) => {
    const parts = []
    req.on('data', part => parts.push(part))
    req.on('end', () => {
      try {
        req.body = frames(Buffer.concat(parts)).map(parse)
      } catch (err) {
        return next(err)
      }
      next()
    })
  }
}

function keep (req) {
  const header = name => req.headers[name] === undefined
    ? null
    : req.headers[name]
  fs.appendFileSync(records, JSON.stringify({
    type: header('content-type'),
    count: Number(header('logplex-msg-count')),
    lost: Number(header('logplex-loss-count')),
    frame: header('logplex-frame-id'),
    drain: header('logplex-drain-token'),
    parsed: req.body
  }) + '\n')
}

const middleware = middlewares[parser]()
function answer (req, res) {
  req.header = name => req.headers[name]
  middleware(req, res, err => {
    if (err) {
      console.error(err)
      res.writeHead(500)
      return res.end(String(err))
    }
    keep(req)
    res.writeHead(204)
    res.end()
  })
}

const server = key
  ? require('https').createServer(
    { key: fs.readFileSync(key), cert: fs.readFileSync(cert) }, answer)
  : require('http').createServer(answer)
server.listen(Number(port), '127.0.0.1')

// Not between keep() and the answer: what is kept is answered.
process.on('SIGTERM', () => process.exit(0))
