// The explorer's page: GraphiQL with sample operations as tabs, and buttons that choose who asks.
(async () => {
  'use strict';
  const status = document.getElementById('status');
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
    status.textContent = `Sidan kunde inte hämta sina exempel (${error.message}).`;
    if (!settings) return;
  }

  // Two buttons choose the first patient and the first of the staff; the list has everyone.
  const kinds = [
    { kind: 'patient', label: 'Patient' },
    { kind: 'staff', label: 'Personal' },
  ];
  const kindOf = (identity) => identity?.kind ?? (identity?.label.startsWith('Personal') ? 'staff' : 'patient');
  const buttons = document.getElementById('identities');
  const person = document.getElementById('person');
  const choose = (index) => {
    chosen = index;
    person.value = String(index);
    [...buttons.children].forEach((button) =>
      button.setAttribute('aria-pressed', String(button.dataset.kind === kindOf(identities[index]))),
    );
  };
  const chooseKind = (kind) => {
    if (chosen !== null && kindOf(identities[chosen]) === kind) return;
    const index = identities.findIndex((identity) => kindOf(identity) === kind);
    if (index >= 0) choose(index);
  };
  for (const { kind, label } of kinds) {
    const button = document.createElement('button');
    button.type = 'button';
    button.dataset.kind = kind;
    button.textContent = label;
    button.addEventListener('click', () => chooseKind(kind));
    buttons.append(button);
  }
  identities.forEach((identity, index) => person.append(new Option(identity.label, String(index))));
  person.addEventListener('change', () => choose(Number(person.value)));

  const samples = settings.samples.map((sample) => ({ ...sample, text: `# ${sample.title}\n${sample.query}` }));
  if (samples.length > 0) chooseKind(samples[0].tokenKind);
  if (chosen === null && identities.length > 0) choose(0);
  const bearer = () => (chosen === null ? {} : { Authorization: `Bearer ${identities[chosen].token}` });

  const post = (parameters) =>
    fetch(settings.graphqlPath, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/graphql-response+json, application/json;q=0.9',
        ...bearer(),
      },
      body: JSON.stringify(parameters),
    });

  // graphql-transport-ws for one operation; an observable, as GraphiQL takes it.
  const subscribe = (parameters) => ({
    subscribe(observer) {
      const socket = new WebSocket(new URL(settings.wsPath, location.href.replace(/^http/, 'ws')), 'graphql-transport-ws');
      const say = (message) => socket.send(JSON.stringify(message));
      let ended = false;
      socket.onopen = () => say({ type: 'connection_init', payload: bearer() });
      socket.onmessage = ({ data }) => {
        const message = JSON.parse(data);
        if (message.type === 'connection_ack') say({ id: '1', type: 'subscribe', payload: parameters });
        else if (message.type === 'ping') say({ type: 'pong' });
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

  const onTabChange = ({ tabs, activeTabIndex }) => {
    const query = tabs[activeTabIndex]?.query ?? '';
    const sample = samples.find((candidate) => query.startsWith(`# ${candidate.title}\n`));
    if (sample) chooseKind(sample.tokenKind);
  };

  const variables = (sample) =>
    Object.keys(sample?.variables ?? {}).length > 0 ? JSON.stringify(sample.variables, null, 2) : '';
  kept.set('graphiql:variables', variables(samples[0])); // GraphiQL takes those of its first tab from here only

  ReactDOM.createRoot(document.getElementById('explorer')).render(
    React.createElement(GraphiQL, {
      fetcher,
      storage,
      onTabChange,
      defaultTabs: samples.map((sample) => ({ query: sample.text, variables: variables(sample) })),
      defaultEditorToolsVisibility: 'variables',
      isHeadersEditorEnabled: false,
      shouldPersistHeaders: false,
      forcedTheme: 'light',
    }),
  );
})();
