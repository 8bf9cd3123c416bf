// The explorer's page: GraphiQL with sample operations to choose from, and a choice of who asks.
(async () => {
  'use strict';
  const status = document.getElementById('status');
  const say = (text) => void (status.textContent = text);
  const getJson = async (path) => {
    const response = await fetch(path, { headers: { accept: 'application/json' }, cache: 'no-store' });
    if (!response.ok) throw new Error(`${path}: HTTP ${response.status}`);
    return response.json();
  };

  let settings;
  let identities = [];
  let chosen = null;
  try {
    settings = await getJson('/explorer/settings.json');
    identities = await getJson(settings.identitiesPath);
  } catch (error) {
    say(`Sidan kunde inte hämta sina exempel (${error.message}).`);
    if (!settings) return;
  }

  // Buttons choose a kind of person and the samples that are theirs; the list has everyone.
  const kinds = [
    { kind: 'patient', label: 'Patient' },
    { kind: 'staff', label: 'Personal' },
    { kind: 'representative', label: 'Ombud' },
  ].filter(({ kind }) => identities.some((identity) => identity.kind === kind));
  const buttons = document.getElementById('identities');
  const person = document.getElementById('person');
  const list = document.getElementById('samples');
  const called = (name) => identities.findIndex((identity) => identity.name === name);
  const choose = (index) => {
    if (index < 0) return;
    chosen = index;
    person.value = String(index);
    const { kind } = identities[index];
    [...buttons.children].forEach((button) => button.setAttribute('aria-pressed', String(button.dataset.kind === kind)));
    [...list.children].forEach((part) => (part.hidden = part.dataset.kind !== kind));
  };
  const chooseKind = (kind) => {
    if (identities[chosen]?.kind !== kind) choose(identities.findIndex((identity) => identity.kind === kind));
  };
  for (const { kind, label } of kinds) {
    const button = document.createElement('button');
    button.type = 'button';
    button.dataset.kind = kind;
    button.textContent = label;
    button.addEventListener('click', () => chooseKind(kind));
    buttons.append(button);
  }
  identities.forEach(({ name, note }, index) => person.append(new Option(note ? `${name}, ${note}` : name, String(index))));
  person.addEventListener('change', () => choose(Number(person.value)));

  const headersOf = ({ token, actingFor }) => ({
    Authorization: `Bearer ${token}`,
    ...(actingFor ? { 'Patientkontrakt-Acting-For': actingFor } : {}),
  });
  const headers = () => (chosen === null ? {} : headersOf(identities[chosen]));

  const post = (parameters) =>
    fetch(settings.graphqlPath, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/graphql-response+json, application/json;q=0.9',
        'accept-language': 'sv',
        ...headers(),
      },
      body: JSON.stringify(parameters),
    });

  // graphql-transport-ws for one operation; an observable, as GraphiQL takes it.
  const subscribe = (parameters) => ({
    subscribe(observer) {
      const socket = new WebSocket(new URL(settings.wsPath, location.href.replace(/^http/, 'ws')), 'graphql-transport-ws');
      const tell = (message) => socket.send(JSON.stringify(message));
      let ended = false;
      socket.onopen = () => tell({ type: 'connection_init', payload: headers() });
      socket.onmessage = ({ data }) => {
        const message = JSON.parse(data);
        if (message.type === 'connection_ack') tell({ id: '1', type: 'subscribe', payload: parameters });
        else if (message.type === 'ping') tell({ type: 'pong' });
        else if (message.type === 'next') observer.next(message.payload);
        else if (message.type === 'error' || message.type === 'complete') {
          ended = true;
          if (message.type === 'error') observer.error(message.payload);
          else observer.complete();
          socket.close(1000);
        }
      };
      socket.onclose = ({ code, reason }) => {
        if (!ended) observer.error([{ message: `WebSocket ${code} ${reason}` }]);
        ended = true;
      };
      return {
        unsubscribe() {
          ended = true;
          socket.close(1000);
        },
      };
    },
  });

  const operationType = (document, name) => {
    const operations = document?.definitions?.filter((definition) => definition.kind === 'OperationDefinition') ?? [];
    return (operations.find((operation) => operation.name?.value === name) ?? operations[0])?.operation;
  };

  const fetcher = async (parameters, options) => {
    if (operationType(options?.documentAST, parameters.operationName) === 'subscription') return subscribe(parameters);
    let response = await post(parameters);
    if (response.status === 401 && chosen !== null) {
      identities = await getJson(settings.identitiesPath); // the token has ended
      response = await post(parameters);
    }
    return response.json();
  };

  // Nothing is kept in the browser: what is asked here may hold what looks like patient data.
  const kept = new Map();
  const storage = {
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, value) => void kept.set(key, value),
    removeItem: (key) => void kept.delete(key),
    clear: () => kept.clear(),
    get length() {
      return kept.size;
    },
  };

  // The values that variables of these names have without being found; see the samples' own description.
  const known = (names, now) => {
    const values = {};
    const later = (days) =>
      new Date(now.getTime() + days * 86_400_000).toLocaleDateString('sv-SE', { timeZone: 'Europe/Stockholm' });
    for (const name of names) {
      const [, amount, unit, hour] = /^in(\d+)(Days|Hours)(?:At(\d+))?$/.exec(name) ?? [];
      if (name === 'key') values.key = crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`;
      else if (name === 'today') values.today = later(0);
      else if (unit === 'Hours') values[name] = new Date(now.getTime() + amount * 3_600_000).toISOString();
      else if (hour) values[name] = `${later(Number(amount))}T${hour.padStart(2, '0')}:00`;
      else if (unit === 'Days') values[name] = later(Number(amount));
    }
    return values;
  };
  // Gives each variable the first value that stands under its name, passing over elements that are not meant.
  const take = (answer, conditions, values) => {
    const meant = (element) =>
      Object.entries(element ?? {}).every(([name, value]) => {
        if (Array.isArray(value)) return true;
        if (value !== null && typeof value === 'object') return meant(value);
        const condition = conditions.find(([field]) => field === name);
        return !condition || condition[1] === String(value);
      });
    const walk = (part) => {
      for (const [name, value] of Object.entries(part ?? {})) {
        if (Array.isArray(value)) value.filter(meant).forEach(walk);
        else if (value !== null && typeof value === 'object') walk(value);
        else if (name in values && values[name] === undefined && value !== null) values[name] = value;
      }
    };
    walk(answer);
  };
  const variablesOf = async (sample) => {
    const names = [...new Set([...sample.finds, sample.query].join('\n').match(/(?<=\$)\w+(?=:)/g) ?? [])];
    const now = new Date((await getJson(settings.clockPath)).now);
    const values = { ...Object.fromEntries(names.map((name) => [name, undefined])), ...known(names, now) };
    for (const query of sample.finds) {
      // What an earlier one did not find, this one cannot ask about.
      if ((query.match(/(?<=\$)\w+(?=:)/g) ?? []).some((name) => values[name] === undefined)) continue;
      const answer = await (await post({ query, variables: values })).json();
      take(answer.data, sample.where, values);
    }
    // A variable with a default needs no value.
    const own = names.filter((name) => new RegExp(`\\$${name}: [^,)=]+[,)]`).test(sample.query));
    return { values: Object.fromEntries(own.map((name) => [name, values[name]])), missing: own.filter((name) => values[name] === undefined) };
  };

  const root = ReactDOM.createRoot(document.getElementById('explorer'));
  const show = (query, variables) =>
    root.render(
      React.createElement(GraphiQL, {
        fetcher,
        storage,
        query,
        variables,
        defaultEditorToolsVisibility: 'variables',
        isHeadersEditorEnabled: false,
        shouldPersistHeaders: false,
        forcedTheme: 'light',
      }),
    );
  // What a person reads above the operation: what it does, as whom, and where its variables come from.
  const text = (sample) => {
    const found = sample.finds.length > 0 ? ['', 'Variablerna är hämtade så här:', ...sample.finds.join('\n').split('\n')] : [];
    const refused = sample.refused ? [`Den nekas, och svaret säger varför: ${sample.refused}.`] : [];
    const lines = [sample.title, `Som ${sample.who}.`, ...refused, ...found].map((line) => (line ? `# ${line}` : '#'));
    return `${lines.join('\n')}\n${sample.query}\n`;
  };
  const open = async (sample) => {
    const index = called(sample.who);
    if (index >= 0) choose(index);
    else chooseKind('patient');
    say('');
    document.querySelector('#samples [aria-current]')?.removeAttribute('aria-current');
    sample.button?.setAttribute('aria-current', 'true');
    let found = { values: {}, missing: [] };
    try {
      found = await variablesOf(sample);
    } catch (error) {
      say(`Exemplets variabler kunde inte hämtas (${error.message}).`);
    }
    if (found.missing.length > 0)
      say(`Just nu finns inget att göra det här med (${found.missing.join(', ')} saknas). Välj ett annat exempel, eller börja om med en ny datamapp.`);
    show(text(sample), Object.keys(found.values).length > 0 ? JSON.stringify(found.values, null, 2) : '');
    document.body.dataset.sample = sample.title;
  };

  // One list per kind of person, a heading per subject.
  for (const { kind } of kinds) {
    const part = document.createElement('div');
    part.dataset.kind = kind;
    part.hidden = true;
    let heading = '';
    for (const sample of settings.samples) {
      if ((identities[called(sample.who)]?.kind ?? 'patient') !== kind) continue;
      if (sample.group !== heading) {
        heading = sample.group;
        part.append(Object.assign(document.createElement('h2'), { textContent: heading }));
      }
      const button = Object.assign(document.createElement('button'), { type: 'button', textContent: sample.title });
      button.addEventListener('click', () => open(sample));
      sample.button = button;
      part.append(button);
    }
    list.append(part);
  }
  if (identities.length > 0) choose(0);
  if (settings.samples.length > 0) await open(settings.samples[0]);
  else show('', '');
})();
